// Which certificates count: the chain to the configured roots, self-signed mode, the bad-node list, and a cache of
// those already checked (6940 11.3, 11.3.1, 6.3.4).
#pragma once

#include <map>

#include "reload/config/overlay_config.hpp"
#include "reload/security/crypto.hpp"

namespace reload::security {

// Immutable rules made from one configuration document; shared with crypto jobs.
class Trust {
 public:
  static Result<std::shared_ptr<const Trust>> make(config::ConfigPtr config, const Crypto& crypto);

  // Whether `certificate` is a node's certificate of this overlay at `now`: form, overlay name, validity, bad-node
  // list, and a chain over `intermediates` to a root (or a right self-signed one). The failure says which rule broke.
  [[nodiscard]] Result<void> check(const Certificate& certificate, std::span<const CertificatePtr> intermediates,
                                   Wall now, const Crypto& crypto) const;
  // The part that changes with time and configuration, for a certificate whose chain was checked before.
  [[nodiscard]] Result<void> check_current(const Certificate& certificate, Wall now) const;
  [[nodiscard]] const config::OverlayConfig& config() const { return *config_; }
  [[nodiscard]] std::span<const CertificatePtr> roots() const { return roots_; }

 private:
  Trust() = default;
  config::ConfigPtr config_;
  std::vector<CertificatePtr> roots_;
};
using TrustPtr = std::shared_ptr<const Trust>;

// Certificates that passed Trust::check, by hash; bounded, oldest out first. A hit saves parsing and chain checks.
class CertificateCache {
 public:
  explicit CertificateCache(std::size_t limit) : limit_(limit) {}
  [[nodiscard]] CertificatePtr find(const CertificateHash& hash) const;
  void add(CertificatePtr certificate);
  void clear();  // a new configuration: chains are to be checked again
  [[nodiscard]] std::size_t size() const { return by_hash_.size(); }

 private:
  std::size_t limit_;
  std::map<CertificateHash, CertificatePtr> by_hash_;
  std::vector<CertificateHash> order_;
  std::size_t next_out_ = 0;
};

}  // namespace reload::security
