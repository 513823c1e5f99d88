// How many bytes a length field has: 6940 6.3.1, "the least number of bytes that can encode the maximum length".
#pragma once

#include <cstddef>
#include <cstdint>

namespace reload::wire {

enum class Width : std::uint8_t { u8 = 1, u16 = 2, u24 = 3, u32 = 4 };

[[nodiscard]] constexpr std::size_t size_of(Width width) { return static_cast<std::size_t>(width); }
[[nodiscard]] constexpr std::size_t max_length(Width width) { return (std::size_t{1} << (8 * size_of(width))) - 1; }

}  // namespace reload::wire
