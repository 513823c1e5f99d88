// The interface to cryptography. OpenSSL implements it at the edge (io/openssl_crypto), a fake without arithmetic in
// large simulations (sim/fake_crypto). Every function is const and safe to call from several threads.
#pragma once

#include <initializer_list>

#include "reload/security/certificate.hpp"

namespace reload::security {

class Crypto {
 public:
  virtual ~Crypto() = default;

  // The digest of the parts, one after the other. Supports sha1 and sha256 at least; empty for an unsupported one.
  [[nodiscard]] virtual Bytes hash(wire::HashAlgorithm algorithm, std::initializer_list<ByteView> parts) const = 0;

  // Signs with SHA-256 and the key's own algorithm (ECDSA or RSASSA-PKCS1-v1_5).
  [[nodiscard]] virtual Result<Bytes> sign(const PrivateKey& key, ByteView input) const = 0;
  [[nodiscard]] virtual bool verify(const PublicKey& key, wire::HashAlgorithm hash, wire::SignatureAlgorithm algorithm,
                                    ByteView input, ByteView signature) const = 0;

  // The certificate's fields; checks its form, not who issued it.
  [[nodiscard]] virtual Result<CertificatePtr> parse_certificate(ByteView der, std::size_t node_id_length) const = 0;
  // Whether `issuer`'s key signed `certificate` (6940 11.3; chain rules are in security/trust).
  [[nodiscard]] virtual bool is_issued_by(const Certificate& certificate, const Certificate& issuer) const = 0;
};

// CHORD-RELOAD's hash (6940 10.2): the first 16 bytes of SHA-1.
[[nodiscard]] ResourceId resource_of(const Crypto& crypto, ByteView name);

}  // namespace reload::security
