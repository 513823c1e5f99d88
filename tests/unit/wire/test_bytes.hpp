#pragma once

#include <doctest/doctest.h>

#include "reload/wire/codec.hpp"

namespace reload::wire {

// Bytes from hexadecimal with spaces between the fields.
inline Bytes hex(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (c != ' ') digits += c;
  }
  const std::optional<Bytes> bytes = from_hex(digits);
  REQUIRE(bytes.has_value());
  return *bytes;
}

inline constexpr std::string_view kHexA = "0102030405060708090a0b0c0d0e0f10";
inline constexpr std::string_view kHexB = "1112131415161718191a1b1c1d1e1f20";
inline const NodeId kNodeA = NodeId::parse_hex(kHexA).value();
inline const NodeId kNodeB = NodeId::parse_hex(kHexB).value();

// CHECKs that `value` is these bytes on the wire, both ways.
template <class T>
void check_wire(const T& value, std::string_view text, const CodecContext& context = {}) {
  CHECK(to_hex(encode(value)) == to_hex(hex(text)));
  CHECK(decode<T>(hex(text), context) == value);
}

}  // namespace reload::wire
