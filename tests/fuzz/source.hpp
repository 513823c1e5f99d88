// The fuzzer's bytes as choices. When they are used up every choice is the first.
#pragma once

#include <algorithm>

#include "reload/base/bytes.hpp"

namespace reload::fuzz {

class Source {
 public:
  explicit Source(ByteView bytes) : rest_(bytes) {}

  [[nodiscard]] bool empty() const { return rest_.empty(); }
  std::uint8_t u8() {
    if (rest_.empty()) return 0;
    const std::uint8_t byte = rest_.front();
    rest_ = rest_.subspan(1);
    return byte;
  }
  std::uint32_t u32() {
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i) value = value << 8 | u8();
    return value;
  }
  // 0 to count - 1; `count` is not 0.
  std::size_t below(std::size_t count) { return u8() % count; }
  ByteView take(std::size_t size) {
    const ByteView taken = rest_.first(std::min(size, rest_.size()));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }
  // A length byte and so many bytes.
  ByteView chunk() { return take(u8()); }

 private:
  ByteView rest_;
};

}  // namespace reload::fuzz
