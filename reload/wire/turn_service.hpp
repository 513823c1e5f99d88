// 6940 9: the value of the TURN-SERVICE Kind.
#pragma once

#include "reload/wire/address.hpp"

namespace reload::wire {

struct TurnServer {
  std::uint8_t iteration = 0;
  IpAddressPort server_address;
  friend bool operator==(const TurnServer&, const TurnServer&) = default;
};

}  // namespace reload::wire
