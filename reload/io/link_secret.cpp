#include "reload/io/link_secret.hpp"

#include <openssl/crypto.h>
#include <openssl/ssl.h>

#include <algorithm>

#include "reload/io/openssl_handles.hpp"

namespace reload::io {

namespace {

// scrypt (RFC 7914) with 32 MiB.
constexpr std::uint64_t kScryptCost = 1u << 15;
constexpr std::uint64_t kScryptBlock = 8;
constexpr std::uint64_t kScryptMaxMemory = std::uint64_t{64} << 20;

int secret_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

const LinkSecret& secret_of(const SSL* ssl) {
  return *static_cast<const LinkSecret*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), secret_index()));
}

// OpenSSL wants sessions and contexts to say that they belong together.
ByteView session_context(const LinkSecret& secret) {
  return as_bytes(secret.identity).first(std::min<std::size_t>(secret.identity.size(), SSL_MAX_SID_CTX_LENGTH));
}

using SessionHandle = std::unique_ptr<SSL_SESSION, Freer<SSL_SESSION_free>>;

// RFC 8446 4.2.11: a key from outside has a cipher suite with its hash.
SessionHandle session_with(SSL* ssl, const LinkSecret& secret) {
  constexpr unsigned char kAes128GcmSha256[] = {0x13, 0x01};
  const SSL_CIPHER* cipher = SSL_CIPHER_find(ssl, kAes128GcmSha256);
  SessionHandle session(SSL_SESSION_new());
  if (cipher == nullptr || !session ||
      SSL_SESSION_set1_master_key(session.get(), secret.key.data(), secret.key.size()) != 1 ||
      SSL_SESSION_set1_id_context(session.get(), session_context(secret).data(),
                                  static_cast<unsigned>(session_context(secret).size())) != 1 ||
      SSL_SESSION_set_cipher(session.get(), cipher) != 1 ||
      SSL_SESSION_set_protocol_version(session.get(), TLS1_3_VERSION) != 1)
    return nullptr;
  return session;
}

int offer(SSL* ssl, const EVP_MD* hash, const unsigned char** identity, std::size_t* size, SSL_SESSION** session) {
  const LinkSecret& secret = secret_of(ssl);
  *session = nullptr;
  if (hash != nullptr && !EVP_MD_is_a(hash, "SHA256")) return 1;
  *identity = reinterpret_cast<const unsigned char*>(secret.identity.data());
  *size = secret.identity.size();
  *session = session_with(ssl, secret).release();
  return *session != nullptr ? 1 : 0;
}

int find(SSL* ssl, const unsigned char* identity, std::size_t size, SSL_SESSION** session) {
  const LinkSecret& secret = secret_of(ssl);
  *session = nullptr;
  const std::string_view offered(reinterpret_cast<const char*>(identity), size);
  if (offered != secret.identity) return 1;  // and the handshake fails, as there is no certificate to go on with
  *session = session_with(ssl, secret).release();
  return *session != nullptr ? 1 : 0;
}

int refuse_any(X509_STORE_CTX*, void*) { return 0; }

}  // namespace

LinkSecret::~LinkSecret() { OPENSSL_cleanse(key.data(), key.size()); }

Result<std::shared_ptr<const LinkSecret>> derive_link_secret(const config::OverlayConfig& config) {
  if (!config.shared_secret) return nullptr;
  auto secret = std::make_shared<LinkSecret>();
  secret->identity = config.instance_name;
  const std::string salt = "RELOAD shared-secret " + config.instance_name;
  if (EVP_PBE_scrypt(config.shared_secret->data(), config.shared_secret->size(),
                     reinterpret_cast<const unsigned char*>(salt.data()), salt.size(), kScryptCost, kScryptBlock, 1,
                     kScryptMaxMemory, secret->key.data(), secret->key.size()) != 1)
    return failure("the key of the overlay's shared-secret: " + openssl_error());
  return std::shared_ptr<const LinkSecret>(std::move(secret));
}

Result<void> use_link_secret(SSL_CTX* context, const LinkSecret& secret) {
  // Without certificates only those who know the secret get through, in either role. OpenSSL offers psk_dhe_ke alone.
  SSL_CTX_set_cert_verify_callback(context, refuse_any, nullptr);
  const ByteView belongs = session_context(secret);
  if (SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1 ||
      SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256") != 1 ||
      SSL_CTX_set_session_id_context(context, belongs.data(), static_cast<unsigned>(belongs.size())) != 1 ||
      SSL_CTX_set_ex_data(context, secret_index(), const_cast<LinkSecret*>(&secret)) != 1)
    return failure("TLS-PSK: " + openssl_error());
  SSL_CTX_set_psk_use_session_callback(context, offer);
  SSL_CTX_set_psk_find_session_callback(context, find);
  return {};
}

}  // namespace reload::io
