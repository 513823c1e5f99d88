#include "reload/security/message_auth.hpp"

#include "reload/wire/codec.hpp"
#include "reload/wire/writer.hpp"

namespace reload::security {

namespace {

Bytes hash_of(const Certificate& certificate, wire::HashAlgorithm algorithm, const Crypto& crypto) {
  if (algorithm == wire::HashAlgorithm::sha256) return to_bytes(certificate.hash);
  return crypto.hash(algorithm, {certificate.der.view()});
}

Bytes hash_with_node_id(const Certificate& certificate, std::size_t index, wire::HashAlgorithm algorithm,
                        const Crypto& crypto) {
  if (algorithm == wire::HashAlgorithm::sha256 && index < certificate.identity_hashes.size())
    return to_bytes(certificate.identity_hashes[index]);
  return crypto.hash(algorithm, {certificate.node_ids[index].view(), certificate.der.view()});
}

}  // namespace

Bytes message_signature_input(std::uint32_t overlay, TransactionId transaction, ByteView contents) {
  wire::Writer input(4 + 8 + contents.size() + 64);
  input.u32(overlay);
  input.u64(transaction);
  input.bytes(contents);
  return input.take();
}

SignatureCheck message_check(std::uint32_t overlay, TransactionId transaction, ByteView contents,
                             const wire::Signature& signature) {
  SignatureCheck check{signature, message_signature_input(overlay, transaction, contents), {}};
  append(check.input, wire::encode(signature.identity));
  return check;
}

wire::SignerIdentity identity_of(const Credential& credential, const Crypto& crypto) {
  const Certificate& certificate = *credential.certificate;
  wire::SignerIdentity identity;
  identity.hash_algorithm = wire::HashAlgorithm::sha256;
  if (certificate.node_ids.size() > 1) {
    identity.type = wire::SignerIdentityType::cert_hash_node_id;
    identity.hash = crypto.hash(identity.hash_algorithm, {credential.node_id.view(), certificate.der.view()});
  } else {
    identity.type = wire::SignerIdentityType::cert_hash;
    identity.hash = hash_of(certificate, identity.hash_algorithm, crypto);
  }
  return identity;
}

Signer find_signer(const wire::SignerIdentity& identity, std::span<const CertificatePtr> certificates,
                   const Crypto& crypto) {
  // An unsupported algorithm's digest is empty and must not equal an empty hash.
  if (identity.hash.empty()) return {};
  for (const CertificatePtr& certificate : certificates) {
    if (identity.type == wire::SignerIdentityType::cert_hash) {
      if (certificate->node_ids.size() == 1 &&
          equal(hash_of(*certificate, identity.hash_algorithm, crypto), identity.hash))
        return {certificate, certificate->node_ids.front()};
    } else if (identity.type == wire::SignerIdentityType::cert_hash_node_id) {
      for (std::size_t i = 0; i < certificate->node_ids.size(); ++i)
        if (equal(hash_with_node_id(*certificate, i, identity.hash_algorithm, crypto), identity.hash))
          return {certificate, certificate->node_ids[i]};
    }
  }
  return {};
}

}  // namespace reload::security
