// 6940 6.3.4: what a message's signature covers, and how a signer names itself.
#pragma once

#include "reload/security/crypto_job.hpp"

namespace reload::security {

// overlay || transaction_id || MessageContents, without the SignerIdentity.
[[nodiscard]] Bytes message_signature_input(std::uint32_t overlay, TransactionId transaction, ByteView contents);

// What is verified for a received message: the input above with the signature's SignerIdentity.
[[nodiscard]] SignatureCheck message_check(std::uint32_t overlay, TransactionId transaction, ByteView contents,
                                           const wire::Signature& signature);

// cert_hash for a certificate with one Node-ID, cert_hash_node_id for several (interop trap 34).
[[nodiscard]] wire::SignerIdentity identity_of(const Credential& credential, const Crypto& crypto);
// The certificate and Node-ID that an identity names, of those given; unknown if none (guide 9.3).
[[nodiscard]] Signer find_signer(const wire::SignerIdentity& identity, std::span<const CertificatePtr> certificates,
                                 const Crypto& crypto);

}  // namespace reload::security
