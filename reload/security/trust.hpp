// Which certificates count: the chain to the configured roots, self-signed mode, the bad-node list, and a cache of
// those already checked (6940 11.3, 11.3.1, 6.3.4).
#pragma once

#include <deque>
#include <unordered_map>

#include "reload/config/overlay_config.hpp"
#include "reload/security/crypto.hpp"
#include "reload/wire/security_block.hpp"

namespace reload::security {

// Immutable rules made from one configuration document; shared with crypto jobs.
class Trust {
 public:
  static Result<std::shared_ptr<const Trust>> make(config::ConfigPtr config, const Crypto& crypto);

  // Whether `certificate` is a node's certificate of this overlay at `now`: form, overlay name, validity, bad-node
  // list, and a chain over `intermediates` to a root (or a right self-signed one). The failure says which rule broke.
  [[nodiscard]] Result<void> check(const Certificate& certificate, std::span<const CertificatePtr> intermediates,
                                   Wall now, const Crypto& crypto) const;
  // The same, and the certificate as it may be cached: its validity narrowed to that of its whole chain, so that
  // check_current also notices an intermediate that expired.
  [[nodiscard]] Result<CertificatePtr> accept(const CertificatePtr& certificate,
                                              std::span<const CertificatePtr> intermediates, Wall now,
                                              const Crypto& crypto) const;
  // The part that changes with time and configuration, for a certificate whose chain was checked before.
  [[nodiscard]] Result<void> check_current(const Certificate& certificate, Wall now) const;
  [[nodiscard]] const config::OverlayConfig& config() const { return *config_; }
  [[nodiscard]] std::span<const CertificatePtr> roots() const { return roots_; }

 private:
  struct Validity {
    Wall from;
    Wall to;
  };
  [[nodiscard]] Result<Validity> judge(const Certificate& certificate, std::span<const CertificatePtr> intermediates,
                                       Wall now, const Crypto& crypto) const;

  Trust() = default;
  config::ConfigPtr config_;
  std::vector<CertificatePtr> roots_;
};
using TrustPtr = std::shared_ptr<const Trust>;

// Whether a Node-ID of the certificate is on the bad-node list.
[[nodiscard]] bool is_banned(const Certificate& certificate, const config::OverlayConfig& config);

// Certificates that passed Trust::accept, by hash; bounded, oldest out first. A hit saves parsing and chain checks.
class CertificateCache {
 public:
  explicit CertificateCache(std::size_t limit) : limit_(limit) {}
  // By SHA-256 of the DER, or by SHA-256(Node-ID || DER) for a certificate with several Node-IDs: the hash of either
  // form of SignerIdentity finds the certificate.
  [[nodiscard]] CertificatePtr find(const CertificateHash& hash) const;
  void add(CertificatePtr certificate);
  void clear();  // a new configuration: chains are to be checked again
  [[nodiscard]] std::size_t size() const { return order_.size(); }

 private:
  // The key is a cryptographic hash already; the map is never iterated.
  struct FirstBytes {
    std::size_t operator()(const CertificateHash& hash) const noexcept;
  };
  std::size_t limit_;
  std::unordered_map<CertificateHash, CertificatePtr, FirstBytes> by_hash_;
  std::deque<CertificatePtr> order_;  // oldest first
};

// 6940 11.3.1: the Node-ID of a self-signed certificate's key. `index` 0: its only one; 1, 2, ...: one of several.
[[nodiscard]] std::optional<NodeId> self_signed_node_id(const Crypto& crypto, wire::HashAlgorithm algorithm,
                                                        ByteView public_key_info, std::size_t node_id_length,
                                                        std::size_t index = 0);

// The hash to look a signer's certificate up by; none for identities that aren't made with SHA-256.
[[nodiscard]] std::optional<CertificateHash> cache_key(const wire::SignerIdentity& identity);

}  // namespace reload::security
