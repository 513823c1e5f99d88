// TLS settings of a node, made once from its credential and shared by all its links (6940 6.6: both sides prove whose
// they are, always; where there is a shared secret, by link_proof after the handshake).
#pragma once

#include <memory>
#include <string>

#include "reload/io/link_secret.hpp"
#include "reload/io/openssl_crypto.hpp"

struct ssl_ctx_st;

namespace reload::io {

class TlsContext {
 public:
  // `secret`: what derive_link_secret gives for the overlay; nullptr where it has no shared-secret.
  static Result<std::shared_ptr<TlsContext>> make(const security::Credential& credential,
                                                  std::shared_ptr<const LinkSecret> secret);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  // From now on the secrets of every session are appended to the file in the NSS format, so that a capture can be
  // decrypted; for debugging only.
  Result<void> log_keys(const std::string& path);

  [[nodiscard]] ssl_ctx_st* get() const { return context_; }
  // Whether links are by the shared secret and a proof follows the handshake.
  [[nodiscard]] bool by_secret() const { return secret_ != nullptr; }
  [[nodiscard]] const security::Credential& credential() const { return credential_; }
  [[nodiscard]] const security::Crypto& crypto() const { return crypto_; }

 private:
  TlsContext(security::Credential credential, std::shared_ptr<const LinkSecret> secret)
      : credential_(std::move(credential)), secret_(std::move(secret)) {}
  [[nodiscard]] Result<void> use_certificates();

  security::Credential credential_;
  std::shared_ptr<const LinkSecret> secret_;
  OpensslCrypto crypto_;
  ssl_ctx_st* context_ = nullptr;
  int key_log_ = -1;
};

}  // namespace reload::io
