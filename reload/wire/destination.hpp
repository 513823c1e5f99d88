// 6940 6.3.2.2: one entry of a Via or Destination List.
#pragma once

#include <variant>
#include <vector>

#include "reload/base/ids.hpp"

namespace reload::wire {

// An opaque id: `compressed` is the two-byte short form (top bit set), whose bytes are then all of `bytes`.
struct OpaqueId {
  Bytes bytes;
  bool compressed = false;
  friend auto operator<=>(const OpaqueId&, const OpaqueId&) = default;
  friend bool operator==(const OpaqueId&, const OpaqueId&) = default;
};

// A destination type this version does not know, kept byte for byte so that it can be skipped and forwarded (T8).
struct UnknownDestination {
  std::uint8_t type = 0;
  Bytes data;
  friend auto operator<=>(const UnknownDestination&, const UnknownDestination&) = default;
  friend bool operator==(const UnknownDestination&, const UnknownDestination&) = default;
};

using Destination = std::variant<NodeId, ResourceId, OpaqueId, UnknownDestination>;
using DestinationList = std::vector<Destination>;

}  // namespace reload::wire
