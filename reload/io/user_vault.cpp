#include "reload/io/user_vault.hpp"

#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reload/base/limits.hpp"
#include "reload/io/credential_files.hpp"
#include "reload/io/openssl_crypto.hpp"
#include "reload/io/overlay_files.hpp"
#include "reload/io/sealed_text.hpp"

namespace reload::io {

namespace {

constexpr std::size_t kMaxSealedBytes = 8 * limits::kMaxCertificateBytes;

}  // namespace

Result<UserVault> UserVault::open(const std::string& directory, const std::string& key_file) {
  if (auto made = make_directory(directory); !made) return tl::unexpected(made.error());
  auto key = seal_key(key_file);
  if (!key) return tl::unexpected(key.error());
  return UserVault(directory, std::move(*key));
}

// A name may hold what a file's must not.
std::string UserVault::path(const std::string& user) const {
  const Bytes digest = OpensslCrypto().hash(wire::HashAlgorithm::sha256, {as_bytes(user)});
  return directory_ + "/" + to_hex(ByteView(digest).first(16));
}

Result<std::optional<UserVault::Kept>> UserVault::load(const std::string& user, const security::Crypto& crypto,
                                                       std::size_t node_id_length) const {
  const std::string file = path(user);
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return std::optional<Kept>();
  const auto sealed = read_file(file, kMaxSealedBytes);
  if (!sealed) return tl::unexpected(sealed.error());
  auto text = open_sealed(key_, user, *sealed);
  if (!text) return failure(file + ", the credential of " + user + ": " + text.error().text);
  const auto credentials = parse_credentials(*text, crypto, node_id_length);
  OPENSSL_cleanse(text->data(), text->size());
  if (!credentials) return failure(file + ", the credential of " + user + ": " + credentials.error().text);
  return Kept{credentials->front(), from_unix_seconds(status.st_mtim.tv_sec)};
}

Result<void> UserVault::keep(const security::Credential& credential) const {
  auto text = credential_text(credential);
  if (!text) return tl::unexpected(text.error());
  const std::string& user = credential.certificate->user_name;
  const auto sealed = seal(key_, user, *text);
  OPENSSL_cleanse(text->data(), text->size());
  if (!sealed) return tl::unexpected(sealed.error());
  return write_file(path(user), *sealed, 0600);
}

void UserVault::remove(const std::string& user) const { ::unlink(path(user).c_str()); }

}  // namespace reload::io
