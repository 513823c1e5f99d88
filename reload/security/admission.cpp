#include "reload/security/admission.hpp"

#include <algorithm>

#include "reload/base/limits.hpp"

namespace reload::security {

Result<LinkPeer> admit_link(std::span<const Bytes> chain, const Trust& trust, Wall now, const Crypto& crypto,
                            CertificateCache& cache) {
  if (chain.empty()) return failure("the peer sent no certificate");
  CertificateHash hash{};
  const Bytes digest = crypto.hash(wire::HashAlgorithm::sha256, {chain.front()});
  std::copy_n(digest.begin(), hash.size(), hash.begin());

  CertificatePtr certificate = cache.find(hash);
  if (certificate != nullptr) {
    if (const auto current = trust.check_current(*certificate, now); !current) return tl::unexpected(current.error());
  } else {
    const std::size_t node_id_length = trust.config().node_id_length;
    auto own = crypto.parse_certificate(chain.front(), node_id_length);
    if (!own) return tl::unexpected(own.error());
    std::vector<CertificatePtr> intermediates;
    for (const Bytes& der : chain.subspan(1)) {
      if (intermediates.size() == limits::kMaxChainLength) break;
      // One that can't be parsed may be superfluous; if not, the chain will be found to lack it.
      if (auto parsed = crypto.parse_certificate(der, node_id_length)) intermediates.push_back(std::move(*parsed));
    }
    auto accepted = trust.accept(*own, intermediates, now, crypto);
    if (!accepted) return tl::unexpected(accepted.error());
    certificate = std::move(*accepted);
    cache.add(certificate);
  }

  LinkPeer peer{std::move(certificate), std::nullopt};
  if (peer.certificate->node_ids.size() == 1) peer.node_id = peer.certificate->node_ids.front();
  return peer;
}

Result<NodeId> bind_link(const LinkPeer& peer, const Signer& signer) {
  if (!signer.known()) return failure("the Attach has no known signer");
  const Certificate& link = *peer.certificate;
  if (!link.holds(signer.node_id) || !signer.certificate->holds(signer.node_id))
    return failure("the link's certificate does not hold Node-ID " + signer.node_id.hex() +
                   ", which signed the Attach");
  const bool same_certificate = link.hash == signer.certificate->hash;
  // Under an authority a Node-ID has one owner, who may have renewed the certificate. A self-signed one proves its
  // owner by the key alone.
  const bool self_signed = link.is_self_issued() || signer.certificate->is_self_issued();
  if (!same_certificate && self_signed && link.public_key_info != signer.certificate->public_key_info)
    return failure("the link's certificate has another key than the Attach's signer");
  return signer.node_id;
}

}  // namespace reload::security
