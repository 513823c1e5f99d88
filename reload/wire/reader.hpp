// A cursor over received bytes. Every read is checked against the end; the first one that does not fit makes the
// reader fail for good, and all later reads give zeros and empty views. So a decoder reads straight through and asks
// ok() once.
#pragma once

#include "reload/base/bytes.hpp"
#include "reload/wire/width.hpp"

namespace reload::wire {

class Reader {
 public:
  explicit Reader(ByteView bytes) : rest_(bytes) {}

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  [[nodiscard]] std::size_t remaining() const { return rest_.size(); }
  [[nodiscard]] ByteView peek() const { return rest_; }
  // True when nothing failed and nothing is left.
  [[nodiscard]] bool finished() const { return ok_ && rest_.empty(); }
  void fail() {
    ok_ = false;
    rest_ = {};
  }

  ByteView bytes(std::size_t count) {
    if (count > rest_.size()) {
      fail();
      return {};
    }
    const ByteView taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }
  ByteView rest() { return bytes(rest_.size()); }

  // A big-endian unsigned integer of `size` bytes, 1 to 8.
  std::uint64_t integer(std::size_t size) {
    std::uint64_t value = 0;
    for (const std::uint8_t byte : bytes(size)) value = value << 8 | byte;
    return value;
  }
  std::uint8_t u8() { return static_cast<std::uint8_t>(integer(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(integer(2)); }
  std::uint32_t u24() { return static_cast<std::uint32_t>(integer(3)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(integer(4)); }
  std::uint64_t u64() { return integer(8); }
  // 6940 6.3.1.1: 0 or 1; anything else is malformed.
  bool boolean() {
    const std::uint8_t value = u8();
    if (value > 1) fail();
    return value == 1;
  }

  // The bytes after a length field, and a reader of just these.
  ByteView opaque(Width width) { return bytes(static_cast<std::size_t>(integer(size_of(width)))); }
  Reader sub(Width width) {
    Reader inner(opaque(width));
    inner.ok_ = ok_;
    return inner;
  }

 private:
  ByteView rest_;
  bool ok_ = true;
};

}  // namespace reload::wire
