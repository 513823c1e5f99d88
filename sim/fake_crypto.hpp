// Crypto without public-key arithmetic, for simulations of thousands of nodes: certificates and signatures have the
// sizes of real ones, and wrong keys, inputs and issuers fail as they must. Anyone who knows a key's id can sign with
// it, so it protects nothing.
#pragma once

#include "reload/base/rng.hpp"
#include "reload/io/openssl_crypto.hpp"
#include "reload/security/credentials.hpp"

namespace reload::sim {

class FakeCrypto final : public security::Crypto {
 public:
  // Digests are real ones: overlays, resources and certificates are named by them.
  [[nodiscard]] Bytes hash(wire::HashAlgorithm algorithm, std::initializer_list<ByteView> parts) const override;
  [[nodiscard]] Result<Bytes> sign(const security::PrivateKey& key, ByteView input) const override;
  [[nodiscard]] bool verify(const security::PublicKey& key, wire::HashAlgorithm hash,
                            wire::SignatureAlgorithm algorithm, ByteView input, ByteView signature) const override;
  [[nodiscard]] Result<security::CertificatePtr> parse_certificate(ByteView der,
                                                                   std::size_t node_id_length) const override;
  [[nodiscard]] bool is_issued_by(const security::Certificate& certificate,
                                  const security::Certificate& issuer) const override;

 private:
  io::OpensslCrypto real_;
};

// For OverlayConfig::root_certs: the one authority that issues all fake credentials.
[[nodiscard]] Bytes fake_root_certificate();

// Valid from 2020 to 2049.
[[nodiscard]] security::CredentialPtr make_fake_credential(const NodeId& node_id, std::string_view user,
                                                           std::string_view overlay, Rng& rng);
[[nodiscard]] security::CredentialPtr make_fake_credential(const std::vector<NodeId>& node_ids, std::string_view user,
                                                           std::string_view overlay, Wall from, Wall to, Rng& rng);

}  // namespace reload::sim
