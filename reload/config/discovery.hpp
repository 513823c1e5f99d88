// From an overlay's name to its configuration document (6940 11.2), the part without a network: what to ask for, which
// server first, which document stays, and when to fetch again.
#pragma once

#include <vector>

#include "reload/base/rng.hpp"
#include "reload/config/overlay_config.hpp"

namespace reload::config {

// The DNS name whose SRV records tell the configuration servers of an overlay.
[[nodiscard]] std::string service_name(std::string_view overlay);
// The document's place when no URL was given. Whatever server the SRV record names, it answers under this URL and with
// a certificate for the host in it: the overlay's name.
[[nodiscard]] std::string well_known_url(std::string_view overlay);

// An SRV record (RFC 2782).
struct ServiceRecord {
  std::uint16_t priority = 0;
  std::uint16_t weight = 0;
  std::uint16_t port = 0;
  std::string target;
  friend bool operator==(const ServiceRecord&, const ServiceRecord&) = default;
};
// In the order in which to try them: the lowest priority first, and by lot among equals, each with a chance in
// proportion to its weight. Records that say that there is no such service (target ".") are left out.
[[nodiscard]] std::vector<ServiceRecord> in_order(std::vector<ServiceRecord> records, Rng& rng);

// Whether a fetched document takes the place of the one that is known. A server that is behind, or an old answer played
// again, must not undo what the overlay has agreed on since: sequences only grow (6940 11.1).
[[nodiscard]] bool replaces(const OverlayConfig& fetched, const OverlayConfig& known);

// How long to wait before the next fetch: a random time in the later half of what is left until `expiration` (6940
// 11.1), so that the nodes of an overlay don't come together and there is time to try again. After a fetch that brought
// nothing new, `again`, at least kConfigFetchPause; so it goes on after the expiration too.
[[nodiscard]] Duration wait_before_fetch(Wall expiration, Wall now, bool again, Rng& rng);

}  // namespace reload::config
