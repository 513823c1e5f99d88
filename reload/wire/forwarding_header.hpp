// 6940 6.3.2: the only part of a message that a hop on the way reads and rewrites.
#pragma once

#include "reload/wire/destination.hpp"
#include "reload/wire/types.hpp"

namespace reload::wire {

struct ForwardingOption {
  static constexpr std::uint8_t kForwardCritical = 0x01;
  static constexpr std::uint8_t kDestinationCritical = 0x02;
  static constexpr std::uint8_t kResponseCopy = 0x04;
  std::uint8_t type = 0;
  std::uint8_t flags = 0;
  Bytes data;
  friend bool operator==(const ForwardingOption&, const ForwardingOption&) = default;
};

struct ForwardingHeader {
  static constexpr std::uint32_t kFragmentAlways = 0x80000000;
  static constexpr std::uint32_t kFragmentLast = 0x40000000;
  static constexpr std::uint32_t kWholeMessage = 0xc0000000;
  static constexpr std::uint32_t kOffsetMask = 0x00ffffff;

  std::uint32_t overlay = 0;
  std::uint16_t configuration_sequence = 0;
  std::uint8_t version = kVersion;
  std::uint8_t ttl = 0;
  std::uint32_t fragment = kWholeMessage;
  std::uint32_t length = 0;  // of the whole message or fragment; set by encode
  TransactionId transaction_id = 0;
  std::uint32_t max_response_length = 0;
  DestinationList via_list;
  DestinationList destination_list;
  std::vector<ForwardingOption> options;

  [[nodiscard]] std::uint32_t fragment_offset() const { return fragment & kOffsetMask; }
  [[nodiscard]] bool is_last_fragment() const { return (fragment & kFragmentLast) != 0; }
  [[nodiscard]] bool is_whole() const { return is_last_fragment() && fragment_offset() == 0; }
  friend bool operator==(const ForwardingHeader&, const ForwardingHeader&) = default;
};

}  // namespace reload::wire
