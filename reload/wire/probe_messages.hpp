// 6940 6.4.2.4, 6.4.2.5, 6.5.3: RouteQuery, Probe and Ping.
#pragma once

#include <optional>

#include "reload/wire/destination.hpp"
#include "reload/wire/types.hpp"

namespace reload::wire {

struct ProbeReq {
  std::vector<std::uint8_t> requested_info;  // ProbeInformationType; unknown ones are ignored
  friend bool operator==(const ProbeReq&, const ProbeReq&) = default;
};
struct ProbeInformation {
  std::uint8_t type = 0;
  Bytes value;  // the three defined types: four bytes; see value_u32
  friend bool operator==(const ProbeInformation&, const ProbeInformation&) = default;
};
[[nodiscard]] ProbeInformation make_probe_information(ProbeInformationType type, std::uint32_t value);
// Nothing when the value does not have four bytes.
[[nodiscard]] std::optional<std::uint32_t> value_u32(const ProbeInformation& information);
struct ProbeAns {
  std::vector<ProbeInformation> probe_info;
  friend bool operator==(const ProbeAns&, const ProbeAns&) = default;
};

struct PingReq {
  Bytes padding;
  friend bool operator==(const PingReq&, const PingReq&) = default;
};
struct PingAns {
  std::uint64_t response_id = 0;
  std::uint64_t time = 0;  // ms since 1970
  friend bool operator==(const PingAns&, const PingAns&) = default;
};

struct RouteQueryReq {
  bool send_update = false;
  Destination destination;
  Bytes overlay_specific_data;
  friend bool operator==(const RouteQueryReq&, const RouteQueryReq&) = default;
};
// 6940 10.8: ChordRouteQueryAns.
struct RouteQueryAns {
  NodeId next_peer;
  friend bool operator==(const RouteQueryAns&, const RouteQueryAns&) = default;
};

}  // namespace reload::wire
