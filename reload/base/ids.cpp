#include "reload/base/ids.hpp"

#include "reload/base/check.hpp"

namespace reload {

NodeId::NodeId(ByteView bytes) : size_(static_cast<std::uint8_t>(bytes.size())) {
  RELOAD_CHECK(bytes.size() >= kMinSize && bytes.size() <= kMaxSize);
  std::ranges::copy(bytes, bytes_.begin());
}

NodeId NodeId::wildcard(std::size_t size) {
  RELOAD_CHECK(size >= kMinSize && size <= kMaxSize);
  NodeId id;
  id.size_ = static_cast<std::uint8_t>(size);
  std::fill_n(id.bytes_.begin(), size, std::uint8_t{0xff});
  return id;
}

std::optional<NodeId> NodeId::from_bytes(ByteView bytes) {
  if (bytes.size() < kMinSize || bytes.size() > kMaxSize) return std::nullopt;
  return NodeId(bytes);
}

std::optional<NodeId> NodeId::parse_hex(std::string_view text) {
  const auto bytes = from_hex(text);
  return bytes ? from_bytes(*bytes) : std::nullopt;
}

bool NodeId::is_wildcard() const {
  return std::ranges::all_of(view(), [](std::uint8_t byte) { return byte == 0xff; });
}

bool NodeId::is_zero() const {
  return std::ranges::all_of(view(), [](std::uint8_t byte) { return byte == 0; });
}

ResourceId::ResourceId(ByteView bytes) : bytes_(to_bytes(bytes)) { RELOAD_CHECK(bytes.size() <= kMaxSize); }

}  // namespace reload
