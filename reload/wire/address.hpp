// 6940 6.5.1.1: IpAddressPort.
#pragma once

#include <array>
#include <compare>
#include <cstdint>

#include "reload/wire/types.hpp"

namespace reload::wire {

struct IpAddressPort {
  AddressType type = AddressType::ipv4;
  std::array<std::uint8_t, 16> address{};  // network order; IPv4 uses the first four
  std::uint16_t port = 0;
  friend auto operator<=>(const IpAddressPort&, const IpAddressPort&) = default;
};

}  // namespace reload::wire
