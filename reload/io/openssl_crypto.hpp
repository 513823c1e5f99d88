// Crypto by OpenSSL 3: ECDSA over P-256 or P-384 and RSA of 2048 to 8192 bits. Stateless but for algorithms fetched
// once; safe to call from several threads.
#pragma once

#include <openssl/types.h>

#include "reload/security/credentials.hpp"

namespace reload::io {

class OpensslCrypto final : public security::Crypto {
 public:
  OpensslCrypto();
  ~OpensslCrypto() override;
  OpensslCrypto(const OpensslCrypto&) = delete;
  OpensslCrypto& operator=(const OpensslCrypto&) = delete;

  [[nodiscard]] Bytes hash(wire::HashAlgorithm algorithm, std::initializer_list<ByteView> parts) const override;
  [[nodiscard]] Result<Bytes> sign(const security::PrivateKey& key, ByteView input) const override;
  [[nodiscard]] bool verify(const security::PublicKey& key, wire::HashAlgorithm hash,
                            wire::SignatureAlgorithm algorithm, ByteView input, ByteView signature) const override;
  [[nodiscard]] Result<security::CertificatePtr> parse_certificate(ByteView der,
                                                                   std::size_t node_id_length) const override;
  [[nodiscard]] bool is_issued_by(const security::Certificate& certificate,
                                  const security::Certificate& issuer) const override;

 private:
  [[nodiscard]] const EVP_MD* digest(wire::HashAlgorithm algorithm) const;
  EVP_MD* sha1_;
  EVP_MD* sha256_;
  EVP_MD* sha384_;
  EVP_MD* sha512_;
};

// Private keys, PEM in and out (PKCS #8, not encrypted). Text with a private key in it is the caller's to guard.
enum class KeyType : std::uint8_t { ecdsa_p256, rsa_2048 };
using PrivateKeyPtr = std::shared_ptr<const security::PrivateKey>;
[[nodiscard]] Result<PrivateKeyPtr> generate_private_key(KeyType type);
[[nodiscard]] Result<PrivateKeyPtr> load_private_key(std::string_view pem);
[[nodiscard]] Result<std::string> save_private_key(const security::PrivateKey& key);
// The key inside, for TLS; null for a key of another backend. Lives as long as `key`.
[[nodiscard]] EVP_PKEY* openssl_key(const security::PrivateKey& key);
[[nodiscard]] bool is_key_of(const security::PrivateKey& key, const security::Certificate& certificate);

// The DER of each certificate in a PEM text, in its order. A text without any is a failure.
[[nodiscard]] Result<std::vector<Bytes>> load_certificates(std::string_view pem);
[[nodiscard]] std::string save_certificate(ByteView der);

// A credential from its files' texts: the first certificate is its own, the others are intermediate CAs. It signs as
// `node_id`, or as the certificate's first Node-ID when that is zero.
[[nodiscard]] Result<security::CredentialPtr> load_credential(std::string_view certificates_pem,
                                                              std::string_view key_pem, std::size_t node_id_length,
                                                              const security::Crypto& crypto,
                                                              const NodeId& node_id = {});

}  // namespace reload::io
