#include "reload/io/self_signed.hpp"

#include "reload/security/trust.hpp"

namespace reload::io {

namespace {

constexpr int kDigitalSignature = 0;  // RFC 5280 4.2.1.3

Result<Bytes> public_key_info(EVP_PKEY* key) {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  if (size <= 0) return failure("self-signed certificate: its key can't be encoded: " + openssl_error());
  Bytes info(der, der + size);
  OPENSSL_free(der);
  return info;
}

Result<std::vector<NodeId>> node_ids_of(EVP_PKEY* key, std::size_t count, const config::OverlayConfig& config,
                                        const security::Crypto& crypto) {
  const auto info = public_key_info(key);
  if (!info) return tl::unexpected(info.error());
  const auto algorithm = *config.self_signed_digest == config::NodeIdDigest::sha1 ? wire::HashAlgorithm::sha1
                                                                                  : wire::HashAlgorithm::sha256;
  std::vector<NodeId> ids;
  for (std::size_t i = 1; i <= count; ++i) {
    const auto id = security::self_signed_node_id(crypto, algorithm, *info, config.node_id_length, count == 1 ? 0 : i);
    if (!id) return failure("self-signed certificate: the digest is shorter than node-id-length");
    ids.push_back(*id);
  }
  return ids;
}

}  // namespace

Result<SelfSigned> make_self_signed(const SelfSignedRequest& request, const security::PrivateKey& key,
                                    const config::OverlayConfig& config, const security::Crypto& crypto) {
  if (!config.self_signed_digest)
    return failure("overlay " + config.instance_name +
                   " does not permit self-signed certificates (self-signed-permitted); its authority issues others");
  EVP_PKEY* own = openssl_key(key);
  if (own == nullptr) return failure("self-signed certificate: the key is of another crypto backend");
  auto ids = node_ids_of(own, request.node_id_count, config, crypto);
  if (!ids) return tl::unexpected(ids.error());
  SelfSigned made;
  made.identity = {request.user_name, std::move(*ids)};
  if (made.identity.user_name.empty())
    made.identity.user_name = "node-" + made.identity.node_ids.front().hex() + "@" + config.instance_name;
  made.certificate = begin_certificate(own, request.validity);
  // Subject and issuer stay empty: the names are in the subjectAltName.
  const bool good = made.certificate && add_subject_alt_name(*made.certificate, made.identity, config.instance_name) &&
                    add_key_usage(*made.certificate, {kDigitalSignature}) &&
                    X509_sign(made.certificate.get(), own, EVP_sha256()) > 0;
  if (!good) return failure("self-signed certificate of " + made.identity.user_name + ": " + openssl_error());
  return made;
}

SecretText credential_entry(const Identity& identity, std::string_view key, std::string_view certificate) {
  std::string text = "# " + identity.user_name;
  for (const NodeId& id : identity.node_ids) text += " " + id.hex();
  text.reserve(text.size() + 1 + key.size() + certificate.size());  // no copy of the key is left by growing
  text += '\n';
  text += key;
  text += certificate;
  return SecretText(std::move(text));
}

}  // namespace reload::io
