#include "reload/io/credential_files.hpp"

#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "reload/io/openssl_crypto.hpp"

namespace reload::io {
namespace {

constexpr std::string_view kBegin = "-----BEGIN ";
constexpr std::string_view kEnd = "-----END ";
constexpr std::string_view kPrivateKey = "PRIVATE KEY-----";

// Where the next private key's first line starts, at or after `from`; npos if there is none.
std::size_t find_key(std::string_view text, std::size_t from) {
  for (std::size_t at = text.find(kBegin, from); at != std::string_view::npos; at = text.find(kBegin, at + 1)) {
    const std::string_view line = text.substr(at, text.find('\n', at) - at);
    if (line.find(kPrivateKey) != std::string_view::npos) return at;
  }
  return std::string_view::npos;
}

Result<security::CredentialPtr> parse_one(std::string_view entry, const security::Crypto& crypto,
                                          std::size_t node_id_length) {
  const std::size_t end = entry.find(kEnd);
  if (end == std::string_view::npos) return failure("private key: its last line is missing");
  const std::size_t next = std::min(entry.find('\n', end), entry.size());
  return load_credential(entry.substr(next), entry.substr(0, next), node_id_length, crypto);
}

}  // namespace

Result<std::vector<security::CredentialPtr>> parse_credentials(std::string_view text, const security::Crypto& crypto,
                                                               std::size_t node_id_length) {
  std::vector<security::CredentialPtr> credentials;
  for (std::size_t at = find_key(text, 0); at != std::string_view::npos;) {
    const std::size_t next = find_key(text, at + 1);
    auto credential = parse_one(text.substr(at, next - at), crypto, node_id_length);
    if (!credential) {
      return failure("credential " + std::to_string(credentials.size() + 1) + ": " + credential.error().text);
    }
    credentials.push_back(std::move(*credential));
    at = next;
  }
  if (credentials.empty()) return failure("holds no private key, so no credential");
  return credentials;
}

Result<std::vector<security::CredentialPtr>> load_credentials(const std::string& path, const security::Crypto& crypto,
                                                              std::size_t node_id_length) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return failure("cannot read " + path + ": " + std::strerror(errno));
  std::string text;
  std::array<char, 65536> part{};
  // Unlike a stream's iterators, read() turns the exception of a failed read (of a directory, say) into badbit.
  while (file.read(part.data(), part.size()) || file.gcount() > 0)
    text.append(part.data(), static_cast<std::size_t>(file.gcount()));
  if (file.bad()) return failure("cannot read " + path + ": " + std::strerror(errno));
  auto credentials = parse_credentials(text, crypto, node_id_length);
  if (!credentials) return failure(path + ": " + credentials.error().text);
  return credentials;
}

Result<std::string> credential_text(const security::Credential& credential) {
  auto text = save_private_key(*credential.key);
  if (!text) return text;
  *text += save_certificate(credential.certificate->der.view());
  for (const auto& intermediate : credential.intermediates) *text += save_certificate(intermediate->der.view());
  return text;
}

std::optional<std::string> exposure_warning(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || (status.st_mode & 077u) == 0) return std::nullopt;
  std::array<char, 8> mode{};
  std::snprintf(mode.data(), mode.size(), "%04o", status.st_mode & 07777u);
  return path + " holds secrets and others may read it (mode " + mode.data() + "): run chmod 600 " + path;
}

}  // namespace reload::io
