#include "reload/io/link_proof.hpp"

#include "reload/security/message_auth.hpp"
#include "reload/wire/codec.hpp"

namespace reload::io {

namespace {

constexpr std::size_t kLengthSize = 3;

// In the form of TLS's own signatures (RFC 8446 4.4.3), which is that of no signature over a message or a value.
Bytes signed_input(ByteView exported, const wire::SignerIdentity& identity) {
  Bytes input(64, 0x20);
  append(input, as_bytes("RELOAD link proof"));
  input.push_back(0);
  append(input, exported);
  append(input, wire::encode(identity));
  return input;
}

}  // namespace

Result<Bytes> make_link_proof(const security::Credential& credential, ByteView exported,
                              const security::Crypto& crypto) {
  wire::SecurityBlock block;
  block.certificates.push_back({wire::CertificateType::x509, to_bytes(credential.certificate->der.view())});
  for (const auto& intermediate : credential.intermediates)
    block.certificates.push_back({wire::CertificateType::x509, to_bytes(intermediate->der.view())});
  block.signature.hash = wire::HashAlgorithm::sha256;
  block.signature.algorithm = credential.certificate->key_algorithm;
  block.signature.identity = security::identity_of(credential, crypto);
  auto value = crypto.sign(*credential.key, signed_input(exported, block.signature.identity));
  if (!value) return tl::unexpected(value.error());
  block.signature.value = std::move(*value);
  const Bytes body = wire::encode(block);
  if (body.size() > kMaxLinkProof) return failure("the certificates of this node are too long for a link");
  Bytes proof{static_cast<std::uint8_t>(body.size() >> 16), static_cast<std::uint8_t>(body.size() >> 8),
              static_cast<std::uint8_t>(body.size())};
  append(proof, body);
  return proof;
}

std::optional<std::size_t> link_proof_size(ByteView received) {
  if (received.size() < kLengthSize) return std::nullopt;
  return kLengthSize + (std::size_t{received[0]} << 16 | std::size_t{received[1]} << 8 | received[2]);
}

Result<std::vector<Bytes>> check_link_proof(ByteView proof, ByteView exported, std::size_t node_id_length,
                                            const security::Crypto& crypto) {
  if (proof.size() < kLengthSize || proof.size() > kLengthSize + kMaxLinkProof)
    return failure("the proof of whose the link is has no right length");
  const auto block = wire::decode<wire::SecurityBlock>(proof.subspan(kLengthSize), {node_id_length, nullptr});
  if (!block || block->certificates.empty()) return failure("the proof of whose the link is can't be read");
  const auto own = crypto.parse_certificate(block->certificates.front().certificate, node_id_length);
  if (!own) return tl::unexpected(own.error());
  const wire::Signature& signature = block->signature;
  const bool names_it = security::find_signer(signature.identity, {&*own, 1}, crypto).known();
  if (!names_it || !crypto.verify(*(*own)->key, signature.hash, signature.algorithm,
                                  signed_input(exported, signature.identity), signature.value))
    return failure("the proof of whose the link is is not signed for this link by the key of its certificate");
  std::vector<Bytes> chain;
  for (const wire::GenericCertificate& certificate : block->certificates)
    if (certificate.type == wire::CertificateType::x509) chain.push_back(certificate.certificate);
  return chain;
}

}  // namespace reload::io
