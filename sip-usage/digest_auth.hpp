// SIP digest authentication (RFC 3261 22, RFC 7616, RFC 8760): the password file, nonces that need no memory, and the
// check of credentials.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reload/base/result.hpp"
#include "reload/base/time.hpp"

namespace reload::sip {

// The hash functions, done by a library outside. Digests are lower-case hexadecimal.
class DigestHash {
 public:
  virtual ~DigestHash() = default;
  [[nodiscard]] virtual std::string md5(std::string_view text) const = 0;
  [[nodiscard]] virtual std::string sha256(std::string_view text) const = 0;
  // HMAC-SHA-256 under a key of this process that nobody else knows.
  [[nodiscard]] virtual std::string mac(std::string_view text) const = 0;
};

enum class DigestAlgorithm : std::uint8_t { md5, sha256 };

// `user@domain:realm:HA1-MD5-hex:HA1-SHA256-hex`, one user a line; empty lines and lines that start with # are skipped.
// HA1 is H(user:realm:password) with the user part alone.
class PasswordTable {
 public:
  struct Record {
    std::string realm;
    std::string ha1_md5;
    std::string ha1_sha256;
  };
  // A bad line is an error that names `file` and the line.
  static Result<PasswordTable> parse(std::string_view text, const std::string& file);
  [[nodiscard]] const Record* find(const std::string& aor) const;
  [[nodiscard]] std::size_t size() const { return records_.size(); }

 private:
  std::map<std::string, Record> records_;
};

// The parameters of an Authorization or Proxy-Authorization header.
struct DigestCredentials {
  std::string username, realm, nonce, uri, response, cnonce, nc, qop;
  std::optional<DigestAlgorithm> algorithm = DigestAlgorithm::md5;  // nothing: one that we don't know
};
// Each parameter as name=value, the value perhaps in quotes.
[[nodiscard]] DigestCredentials read_credentials(const std::vector<std::string_view>& parameters);

class DigestAuth {
 public:
  // stale: right nonce of ours, but too old or already used this often; another challenge is due, with stale=true.
  enum class Verdict : std::uint8_t { ok, stale, wrong };

  // Both outlive it.
  DigestAuth(const PasswordTable& passwords, const DigestHash& hash, std::string realm)
      : passwords_(passwords), hash_(hash), realm_(std::move(realm)) {}

  [[nodiscard]] const std::string& realm() const { return realm_; }
  [[nodiscard]] std::string make_nonce(Mono now);
  // Whether `credentials` are those of the user with address `aor` for a request with `method`.
  [[nodiscard]] Verdict check(const DigestCredentials& credentials, std::string_view method, const std::string& aor,
                              Mono now);
  // The value of a WWW- or Proxy-Authenticate header.
  [[nodiscard]] std::string challenge(DigestAlgorithm algorithm, const std::string& nonce, bool stale) const;

 private:
  enum class Nonce : std::uint8_t { valid, old, foreign };
  [[nodiscard]] Nonce judge(std::string_view nonce, Mono now) const;
  [[nodiscard]] std::string nonce_mac(std::string_view stamp) const;
  bool count(const std::string& nonce, std::uint32_t nc);

  const PasswordTable& passwords_;
  const DigestHash& hash_;
  const std::string realm_;
  std::uint64_t nonces_made_ = 0;
  std::map<std::string, std::uint32_t> counts_;  // nonce to the highest nc seen
  std::deque<std::string> counted_;              // the same nonces, oldest first
};

}  // namespace reload::sip
