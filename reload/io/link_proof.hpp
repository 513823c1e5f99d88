// Whose a link is when its handshake proved no more than the shared secret (6940 13.4). Each side then sends, before
// anything else, its certificates and a signature over what only the two ends of this very TLS connection have in
// common (RFC 5705), as RFC 9261 does with its exported authenticators. It is worth nothing on any other connection, so
// that no member can pass on another's.
#pragma once

#include <vector>

#include "reload/base/limits.hpp"
#include "reload/security/credentials.hpp"

namespace reload::io {

inline constexpr std::size_t kExportedSize = 32;  // what each side's proof is made over

// Length in three bytes, then a SecurityBlock (6940 6.3.4).
[[nodiscard]] Result<Bytes> make_link_proof(const security::Credential& credential, ByteView exported,
                                            const security::Crypto& crypto);

// The whole size of the proof that `received` begins with: nothing while its length is not there yet.
[[nodiscard]] std::optional<std::size_t> link_proof_size(ByteView received);
// The other side's chain is the largest part of it.
inline constexpr std::size_t kMaxLinkProof = limits::kMaxChainLength * limits::kMaxCertificateBytes;

// The certificates of a proof (DER, the signer's own first), when its signature is right. Whether they count in this
// overlay is looked at where those of any handshake are: security/admission.
[[nodiscard]] Result<std::vector<Bytes>> check_link_proof(ByteView proof, ByteView exported, std::size_t node_id_length,
                                                          const security::Crypto& crypto);

}  // namespace reload::io
