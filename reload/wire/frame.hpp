// 6940 6.6.2: framing on overlay links.
#pragma once

#include "reload/base/bytes.hpp"
#include "reload/wire/types.hpp"

namespace reload::wire {

inline constexpr std::size_t kDataFrameHeaderSize = 8;  // type, sequence, 24-bit length
inline constexpr std::size_t kAckFrameSize = 9;

struct DataFrame {
  std::uint32_t sequence = 0;
  Bytes message;
  friend bool operator==(const DataFrame&, const DataFrame&) = default;
};
struct AckFrame {
  std::uint32_t ack_sequence = 0;
  std::uint32_t received = 0;  // bit N-M set: frame M of the 32 before N came too (T44)
  friend bool operator==(const AckFrame&, const AckFrame&) = default;
};

}  // namespace reload::wire
