// Names for bytes: owned, viewed and shared. A forwarded message travels as a SharedBytes slice, so that no hop
// copies a body it does not read.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace reload {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

// An immutable slice of reference-counted bytes. Copying shares, slicing does not copy.
class SharedBytes {
 public:
  SharedBytes() = default;
  explicit SharedBytes(Bytes bytes) : owner_(std::make_shared<const Bytes>(std::move(bytes))), view_(*owner_) {}

  [[nodiscard]] ByteView view() const { return view_; }
  [[nodiscard]] std::size_t size() const { return view_.size(); }
  [[nodiscard]] bool empty() const { return view_.empty(); }

  // The part from `offset` (clamped to the end), at most `count` bytes long.
  [[nodiscard]] SharedBytes slice(std::size_t offset, std::size_t count = SIZE_MAX) const {
    SharedBytes part = *this;
    if (offset > view_.size()) offset = view_.size();
    if (count > view_.size() - offset) count = view_.size() - offset;
    part.view_ = view_.subspan(offset, count);
    return part;
  }

 private:
  std::shared_ptr<const Bytes> owner_;
  ByteView view_;
};

[[nodiscard]] inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
[[nodiscard]] inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
[[nodiscard]] inline Bytes to_bytes(ByteView view) { return {view.begin(), view.end()}; }

[[nodiscard]] bool equal(ByteView a, ByteView b);
void append(Bytes& to, ByteView more);

// Lower-case hexadecimal, and back. from_hex refuses odd lengths and other characters.
[[nodiscard]] std::string to_hex(ByteView bytes);
[[nodiscard]] std::optional<Bytes> from_hex(std::string_view text);

// RFC 4648 table 1 with padding. from_base64 skips white space and refuses anything else.
[[nodiscard]] std::string to_base64(ByteView bytes);
[[nodiscard]] std::optional<Bytes> from_base64(std::string_view text);

}  // namespace reload
