#include "reload/security/trust.hpp"

#include <algorithm>
#include <set>

#include "reload/base/limits.hpp"

namespace reload::security {

namespace {

// Looks for a chain from a certificate to a root: by name, then BasicConstraints and validity, then the signature,
// which costs and is counted.
class ChainSearch {
 public:
  ChainSearch(std::span<const CertificatePtr> roots, std::span<const CertificatePtr> intermediates, Wall now,
              const Crypto& crypto)
      : roots_(roots), intermediates_(intermediates), now_(now), crypto_(crypto) {}

  // The certificates above `certificate`, root last; empty when there is no chain. `below` CA certificates stand
  // between `certificate` and the end of the chain, itself included.
  std::vector<const Certificate*> find(const Certificate& certificate, unsigned below = 0) {
    for (const CertificatePtr& root : roots_)
      if (may_issue(*root, certificate, below) && has_signed(*root, certificate)) return {root.get()};
    if (below + 3 > limits::kMaxChainLength) return {};  // end, `below`, one more and the root
    for (const CertificatePtr& candidate : intermediates_) {
      if (candidate->is_self_issued() || !may_issue(*candidate, certificate, below)) continue;
      if (!has_signed(*candidate, certificate)) continue;
      auto above = find(*candidate, below + 1);
      if (above.empty()) continue;
      above.insert(above.begin(), candidate.get());
      return above;
    }
    return {};
  }

  [[nodiscard]] const std::string& why() const { return why_; }

 private:
  bool may_issue(const Certificate& issuer, const Certificate& certificate, unsigned below) {
    if (!equal(issuer.subject, certificate.issuer)) return false;
    if (!issuer.is_ca) {
      why_ = "its issuer's certificate is no CA certificate (BasicConstraints)";
    } else if (issuer.path_limit && *issuer.path_limit < below) {
      why_ = "the chain is longer than its issuer's BasicConstraints allow";
    } else if (!issuer.valid_at(now_)) {
      why_ = "its issuer's certificate is expired or not valid yet";
    } else {
      return true;
    }
    return false;
  }

  bool has_signed(const Certificate& issuer, const Certificate& certificate) {
    if (checks_left_ == 0) {
      why_ = "its chain needs too many signature checks";
      return false;
    }
    --checks_left_;
    if (crypto_.is_issued_by(certificate, issuer)) return true;
    why_ = "the issuer's signature on it does not verify";
    return false;
  }

  std::span<const CertificatePtr> roots_;
  std::span<const CertificatePtr> intermediates_;
  Wall now_;
  const Crypto& crypto_;
  unsigned checks_left_ = limits::kMaxChainSignatureChecks;
  std::string why_ = "its issuer is neither a root-cert of the configuration nor among the certificates sent";
};

// 6940 11.3.1: the Node-IDs that a self-signed certificate with `count` of them must have.
std::set<NodeId> self_signed_node_ids(const Certificate& certificate, const config::OverlayConfig& config,
                                      const Crypto& crypto) {
  const auto algorithm = *config.self_signed_digest == config::NodeIdDigest::sha1 ? wire::HashAlgorithm::sha1
                                                                                  : wire::HashAlgorithm::sha256;
  std::set<NodeId> ids;
  const std::size_t count = certificate.node_ids.size();
  for (std::size_t i = 1; i <= count; ++i)
    if (const auto id = self_signed_node_id(crypto, algorithm, certificate.public_key_info, config.node_id_length,
                                            count == 1 ? 0 : i))
      ids.insert(*id);
  return ids;
}

}  // namespace

std::optional<NodeId> self_signed_node_id(const Crypto& crypto, wire::HashAlgorithm algorithm, ByteView public_key_info,
                                          std::size_t node_id_length, std::size_t index) {
  const std::array<std::uint8_t, 4> prefix{static_cast<std::uint8_t>(index >> 24),
                                           static_cast<std::uint8_t>(index >> 16),
                                           static_cast<std::uint8_t>(index >> 8), static_cast<std::uint8_t>(index)};
  const ByteView index_bytes = index == 0 ? ByteView() : ByteView(prefix);
  const Bytes digest = crypto.hash(algorithm, {index_bytes, public_key_info});
  if (digest.size() < node_id_length) return std::nullopt;
  return NodeId::from_bytes(ByteView(digest).first(node_id_length));
}

Result<std::shared_ptr<const Trust>> Trust::make(config::ConfigPtr config, const Crypto& crypto) {
  auto trust = std::shared_ptr<Trust>(new Trust());
  for (std::size_t i = 0; i < config->root_certs.size(); ++i) {
    auto root = crypto.parse_certificate(config->root_certs[i], config->node_id_length);
    const std::string name = "root-cert " + std::to_string(i + 1) + " of overlay " + config->instance_name;
    if (!root) return failure(name + ": " + root.error().text);
    if (!(*root)->is_ca) return failure(name + " is no CA certificate: its BasicConstraints must say CA");
    trust->roots_.push_back(std::move(*root));
  }
  if (trust->roots_.empty() && !config->self_signed_digest)
    return failure("overlay " + config->instance_name +
                   " has neither a root-cert nor self-signed-permitted: no certificate could ever be valid in it");
  trust->config_ = std::move(config);
  return TrustPtr(std::move(trust));
}

Result<void> Trust::check_current(const Certificate& certificate, Wall now) const {
  if (now < certificate.not_before) return failure("certificate is not valid yet");
  if (now > certificate.not_after) return failure("certificate is expired");
  for (const NodeId& id : certificate.node_ids)
    if (config_->is_bad_node(id)) return failure("certificate holds Node-ID " + id.hex() + ", which is a bad-node");
  return {};
}

bool is_banned(const Certificate& certificate, const config::OverlayConfig& config) {
  return std::ranges::any_of(certificate.node_ids, [&](const NodeId& id) { return config.is_bad_node(id); });
}

Result<Trust::Validity> Trust::judge(const Certificate& certificate, std::span<const CertificatePtr> intermediates,
                                     Wall now, const Crypto& crypto) const {
  if (certificate.node_ids.empty()) return failure("certificate has no Node-ID: no reload URI in its subjectAltName");
  for (const NodeId& id : certificate.node_ids)
    if (id.size() != config_->node_id_length)
      return failure("certificate has a Node-ID of " + std::to_string(id.size()) + " bytes, node-id-length is " +
                     std::to_string(config_->node_id_length));
  if (certificate.overlay != config_->instance_name)
    return failure("certificate is of overlay " + certificate.overlay + ", not " + config_->instance_name);
  if (certificate.user_name.empty())
    return failure("certificate has no user name: no rfc822Name in its subjectAltName");
  if (const auto current = check_current(certificate, now); !current) return tl::unexpected(current.error());

  if (config_->self_signed_digest && certificate.is_self_issued()) {
    const std::set<NodeId> expected = self_signed_node_ids(certificate, *config_, crypto);
    if (expected != std::set<NodeId>(certificate.node_ids.begin(), certificate.node_ids.end()) ||
        expected.size() != certificate.node_ids.size())
      return failure("self-signed certificate's Node-IDs are not the digests of its public key");
    if (!crypto.is_issued_by(certificate, certificate))
      return failure("self-signed certificate's own signature does not verify");
    return Validity{certificate.not_before, certificate.not_after};
  }

  ChainSearch search(roots_, intermediates, now, crypto);
  const auto chain = search.find(certificate);
  if (chain.empty()) return failure("certificate does not chain to a root-cert: " + search.why());
  Validity validity{certificate.not_before, certificate.not_after};
  for (const Certificate* above : chain) {
    validity.from = std::max(validity.from, above->not_before);
    validity.to = std::min(validity.to, above->not_after);
  }
  return validity;
}

Result<void> Trust::check(const Certificate& certificate, std::span<const CertificatePtr> intermediates, Wall now,
                          const Crypto& crypto) const {
  const auto validity = judge(certificate, intermediates, now, crypto);
  if (!validity) return tl::unexpected(validity.error());
  return {};
}

Result<CertificatePtr> Trust::accept(const CertificatePtr& certificate, std::span<const CertificatePtr> intermediates,
                                     Wall now, const Crypto& crypto) const {
  const auto validity = judge(*certificate, intermediates, now, crypto);
  if (!validity) return tl::unexpected(validity.error());
  if (validity->from == certificate->not_before && validity->to == certificate->not_after) return certificate;
  auto narrowed = std::make_shared<Certificate>(*certificate);
  narrowed->not_before = validity->from;
  narrowed->not_after = validity->to;
  return CertificatePtr(std::move(narrowed));
}

std::size_t CertificateCache::FirstBytes::operator()(const CertificateHash& hash) const noexcept {
  std::size_t value = 0;
  for (std::size_t i = 0; i < sizeof(value); ++i) value = value << 8 | hash[i];
  return value;
}

CertificatePtr CertificateCache::find(const CertificateHash& hash) const {
  const auto entry = by_hash_.find(hash);
  return entry == by_hash_.end() ? nullptr : entry->second;
}

void CertificateCache::add(CertificatePtr certificate) {
  if (limit_ == 0 || by_hash_.contains(certificate->hash)) return;
  while (order_.size() >= limit_) {
    const CertificatePtr oldest = std::move(order_.front());
    order_.pop_front();
    by_hash_.erase(oldest->hash);
    for (const CertificateHash& hash : oldest->identity_hashes) by_hash_.erase(hash);
  }
  by_hash_.emplace(certificate->hash, certificate);
  for (const CertificateHash& hash : certificate->identity_hashes) by_hash_.emplace(hash, certificate);
  order_.push_back(std::move(certificate));
}

void CertificateCache::clear() {
  by_hash_.clear();
  order_.clear();
}

std::optional<CertificateHash> cache_key(const wire::SignerIdentity& identity) {
  CertificateHash key;
  if (identity.hash_algorithm != wire::HashAlgorithm::sha256 || identity.hash.size() != key.size()) return std::nullopt;
  std::ranges::copy(identity.hash, key.begin());
  return key;
}

}  // namespace reload::security
