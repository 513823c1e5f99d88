#include "sip-usage/digest_auth.hpp"

#include <algorithm>

#include "sip-usage/aor.hpp"
#include "sip-usage/limits.hpp"

namespace reload::sip {

namespace {

constexpr std::size_t kMd5Hex = 32;
constexpr std::size_t kSha256Hex = 64;
constexpr std::size_t kStamp = 32;     // seconds and a number, 16 digits each
constexpr std::size_t kNonceMac = 32;  // 128 bits are enough for some minutes

bool is_hex(std::string_view text, std::size_t size) {
  return text.size() == size && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string hex16(std::uint64_t value) {
  std::string out(16, '0');
  for (std::size_t i = out.size(); i-- > 0; value >>= 4) out[i] = "0123456789abcdef"[value & 15];
  return out;
}

// Of text that is_hex.
std::uint64_t from_hex16(std::string_view text) {
  std::uint64_t value = 0;
  for (const char c : text) value = value << 4 | static_cast<std::uint64_t>(c <= '9' ? c - '0' : c - 'a' + 10);
  return value;
}

// In a time that does not tell where they differ.
bool equal_secret(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned char>(a[i] ^ b[i]);
  return difference == 0;
}

std::string_view take_until(std::string_view& rest, char end) {
  const std::size_t at = std::min(rest.find(end), rest.size());
  const std::string_view taken = rest.substr(0, at);
  rest.remove_prefix(std::min(at + 1, rest.size()));
  return taken;
}

// Without quotes and backslashes.
std::string unquote(std::string_view value) {
  if (value.size() < 2 || value.front() != '"' || value.back() != '"') return std::string(value);
  std::string out;
  value = value.substr(1, value.size() - 2);
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '\\' && i + 1 < value.size()) ++i;
    out.push_back(value[i]);
  }
  return out;
}

std::optional<DigestAlgorithm> algorithm_named(std::string_view name) {
  const std::string text = lower(name);
  if (text == "md5") return DigestAlgorithm::md5;
  if (text == "sha-256") return DigestAlgorithm::sha256;
  return std::nullopt;
}

}  // namespace

Result<PasswordTable> PasswordTable::parse(std::string_view text, const std::string& file) {
  PasswordTable table;
  for (std::size_t number = 1; !text.empty(); ++number) {
    std::string_view line = take_until(text, '\n');
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.empty() || line.front() == '#') continue;
    const auto bad = [&](const std::string& what) {
      return failure(file + ":" + std::to_string(number) + ": " + what);
    };
    const std::string_view name = take_until(line, ':');
    Record record;
    record.realm = take_until(line, ':');
    record.ha1_md5 = lower(take_until(line, ':'));
    record.ha1_sha256 = lower(line);
    const std::optional<Aor> aor = parse_aor(name);
    if (!aor || aor->name != name) return bad("the user is not user@domain");
    if (record.realm.empty()) return bad("there is no realm");
    if (!is_hex(record.ha1_md5, kMd5Hex)) return bad("the third field is not 32 hexadecimal digits (HA1 with MD5)");
    if (!is_hex(record.ha1_sha256, kSha256Hex))
      return bad("the fourth field is not 64 hexadecimal digits (HA1 with SHA-256)");
    if (table.records_.size() == kMaxUsers) return bad("there are too many users");
    if (!table.records_.emplace(aor->name, std::move(record)).second) return bad("the user is there twice");
  }
  return table;
}

const PasswordTable::Record* PasswordTable::find(const std::string& aor) const {
  const auto at = records_.find(aor);
  return at == records_.end() ? nullptr : &at->second;
}

DigestCredentials read_credentials(const std::vector<std::string_view>& parameters) {
  DigestCredentials out;
  for (std::string_view parameter : parameters) {
    const std::string name = lower(take_until(parameter, '='));
    const std::string value = unquote(parameter);
    if (name == "username") out.username = value;
    if (name == "realm") out.realm = value;
    if (name == "nonce") out.nonce = value;
    if (name == "uri") out.uri = value;
    if (name == "response") out.response = lower(value);
    if (name == "cnonce") out.cnonce = value;
    if (name == "nc") out.nc = lower(value);
    if (name == "qop") out.qop = lower(value);
    if (name == "algorithm") out.algorithm = algorithm_named(value);
  }
  return out;
}

std::string DigestAuth::nonce_mac(std::string_view stamp) const {
  return hash_.mac("nonce:" + std::string(stamp) + ':' + realm_).substr(0, kNonceMac);
}

std::string DigestAuth::make_nonce(Mono now) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  const std::string stamp = hex16(static_cast<std::uint64_t>(seconds)) + hex16(nonces_made_++);
  return stamp + nonce_mac(stamp);
}

DigestAuth::Nonce DigestAuth::judge(std::string_view nonce, Mono now) const {
  if (!is_hex(nonce, kStamp + kNonceMac) || !equal_secret(nonce.substr(kStamp), nonce_mac(nonce.substr(0, kStamp))))
    return Nonce::foreign;
  const Mono made{std::chrono::seconds(from_hex16(nonce.substr(0, 16)))};
  return now - made <= kNonceLifetime ? Nonce::valid : Nonce::old;
}

// RFC 7616 3.4: a nonce count must grow. A nonce that is not remembered must start at one, so that forgetting an old
// one costs a challenge and never admits a replay of its later requests.
bool DigestAuth::count(const std::string& nonce, std::uint32_t nc) {
  const auto at = counts_.find(nonce);
  if (at != counts_.end()) {
    if (nc <= at->second) return false;
    at->second = nc;
    return true;
  }
  if (nc != 1) return false;
  if (counted_.size() == kMaxNonceCounts) {
    counts_.erase(counted_.front());
    counted_.pop_front();
  }
  counts_.emplace(nonce, nc);
  counted_.push_back(nonce);
  return true;
}

DigestAuth::Verdict DigestAuth::check(const DigestCredentials& credentials, std::string_view method,
                                      const std::string& aor, Mono now) {
  const Nonce nonce = judge(credentials.nonce, now);
  if (nonce == Nonce::foreign) return Verdict::stale;  // of another peer, or of ours before a restart
  if (!credentials.algorithm || credentials.qop != "auth" || !is_hex(credentials.nc, 8)) return Verdict::wrong;

  const bool sha256 = *credentials.algorithm == DigestAlgorithm::sha256;
  const auto hash = [&](const std::string& text) { return sha256 ? hash_.sha256(text) : hash_.md5(text); };
  const PasswordTable::Record* record = passwords_.find(aor);
  // An unknown user costs as much as a known one.
  const std::string ha1 = record == nullptr ? std::string() : sha256 ? record->ha1_sha256 : record->ha1_md5;
  const std::string ha2 = hash(std::string(method) + ':' + credentials.uri);
  const std::string expected =
      hash(ha1 + ':' + credentials.nonce + ':' + credentials.nc + ':' + credentials.cnonce + ":auth:" + ha2);
  const bool right = equal_secret(expected, credentials.response);
  const std::string_view user = std::string_view(aor).substr(0, aor.rfind('@'));
  if (record == nullptr || !right || credentials.username != user || credentials.realm != realm_ ||
      record->realm != realm_)
    return Verdict::wrong;
  if (nonce == Nonce::old) return Verdict::stale;
  const auto nc = static_cast<std::uint32_t>(from_hex16(credentials.nc));
  return count(credentials.nonce, nc) ? Verdict::ok : Verdict::stale;
}

std::string DigestAuth::challenge(DigestAlgorithm algorithm, const std::string& nonce, bool stale) const {
  return "Digest realm=\"" + realm_ + "\", nonce=\"" + nonce +
         "\", algorithm=" + (algorithm == DigestAlgorithm::sha256 ? "SHA-256" : "MD5") + ", qop=\"auth\"" +
         (stale ? ", stale=true" : "");
}

}  // namespace reload::sip
