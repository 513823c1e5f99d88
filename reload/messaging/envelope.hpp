// Message contents signed and sealed: the bytes that follow a forwarding header (6940 6.3.3, 6.3.4).
#pragma once

#include "reload/security/crypto_job.hpp"
#include "reload/wire/codec.hpp"

namespace reload::messaging {

[[nodiscard]] Bytes encode_contents(wire::MessageCode code, Bytes body);
// `info` is cut to what its length field can say.
[[nodiscard]] Bytes encode_error(wire::ErrorCode code, Bytes info);

// The signer's certificate, the intermediate ones, and those of the signers of values inside, each once and without
// the roots, which every node has (6940 6.3.4).
[[nodiscard]] std::vector<security::CertificatePtr> bucket_of(const security::Credential& credential,
                                                              std::span<const security::CertificatePtr> more,
                                                              const security::Trust& trust);

// Contents and security block. Nothing when the certificates do not fit the block's length field or are too many.
[[nodiscard]] std::optional<Bytes> seal(Bytes contents, wire::Signature signature,
                                        std::span<const security::CertificatePtr> certificates);

}  // namespace reload::messaging
