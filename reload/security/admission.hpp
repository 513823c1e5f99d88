// Who may hold a link, and which Node-ID the link then stands for (6940 6.5.1.11, 6.5.1.13, 13.6.2; guide 8.5).
#pragma once

#include "reload/security/trust.hpp"

namespace reload::security {

// The far end of a link whose handshake is done.
struct LinkPeer {
  CertificatePtr certificate;
  std::optional<NodeId> node_id;  // none: several Node-IDs, unbound until an Attach names one (T7)
};

// Judges the certificates of a handshake, the peer's own first and then what it sent along. A peer that comes back
// with a certificate in `cache` costs no signature check; a new one is put there.
[[nodiscard]] Result<LinkPeer> admit_link(std::span<const Bytes> chain, const Trust& trust, Wall now,
                                          const Crypto& crypto, CertificateCache& cache);

// The Node-ID that a link stands for after an Attach that `signer` signed: the handshake must have been made with the
// signer's own certificate, or with another one of this Node-ID's owner.
[[nodiscard]] Result<NodeId> bind_link(const LinkPeer& peer, const Signer& signer);

}  // namespace reload::security
