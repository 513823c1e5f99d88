// Identifiers of RFC 6940: Node-ID (16 to 20 bytes), Resource-ID (at most 255 bytes), transaction id.
#pragma once

#include <endian.h>

#include <algorithm>
#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <string>

#include "reload/base/bytes.hpp"

namespace reload {

// 6940 6.3.1.1: a Node-ID of node-id-length bytes (configuration; CHORD-RELOAD always 16). Compares as an unsigned
// big-endian number among ids of one length.
class NodeId {
 public:
  static constexpr std::size_t kMinSize = 16;
  static constexpr std::size_t kMaxSize = 20;

  constexpr NodeId() = default;  // 16 zero bytes: the invalid Node-ID
  // Precondition: kMinSize <= bytes.size() <= kMaxSize.
  explicit NodeId(ByteView bytes);
  static NodeId wildcard(std::size_t size = kMinSize);  // all ones: whoever receives it
  static std::optional<NodeId> from_bytes(ByteView bytes);
  static std::optional<NodeId> parse_hex(std::string_view text);

  [[nodiscard]] ByteView view() const { return {bytes_.data(), size_}; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool is_wildcard() const;
  [[nodiscard]] bool is_zero() const;
  [[nodiscard]] std::string hex() const { return to_hex(view()); }

  // Word by word: routing and every table of peers compare Node-IDs, which differ in their first bytes nearly always.
  friend std::strong_ordering operator<=>(const NodeId& a, const NodeId& b) {
    if (const auto first = a.word(0) <=> b.word(0); first != 0) return first;
    if (const auto second = a.word(8) <=> b.word(8); second != 0) return second;
    return a.tail() <=> b.tail();
  }
  friend bool operator==(const NodeId& a, const NodeId& b) {
    return a.word(0) == b.word(0) && a.word(8) == b.word(8) && a.tail() == b.tail() && a.size_ == b.size_;
  }

 private:
  [[nodiscard]] std::uint64_t word(std::size_t at) const {
    std::uint64_t value = 0;
    std::memcpy(&value, bytes_.data() + at, sizeof(value));
    return be64toh(value);
  }
  [[nodiscard]] std::uint32_t tail() const {  // zero but for ids above 16 bytes
    std::uint32_t value = 0;
    std::memcpy(&value, bytes_.data() + kMinSize, sizeof(value));
    return be32toh(value);
  }

  std::array<std::uint8_t, kMaxSize> bytes_{};
  std::uint8_t size_ = kMinSize;
};

// 6940 6.3.1.1: an opaque string of at most 255 bytes; 16 in CHORD-RELOAD.
class ResourceId {
 public:
  static constexpr std::size_t kMaxSize = 255;
  ResourceId() = default;
  // Precondition: bytes.size() <= kMaxSize.
  explicit ResourceId(ByteView bytes);

  [[nodiscard]] ByteView view() const { return bytes_; }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] std::string hex() const { return to_hex(bytes_); }

  friend auto operator<=>(const ResourceId& a, const ResourceId& b) = default;
  friend bool operator==(const ResourceId& a, const ResourceId& b) = default;

 private:
  Bytes bytes_;
};

// 6940 6.3.2: 64 random bits, the same in a request and its answer.
using TransactionId = std::uint64_t;

}  // namespace reload

template <>
struct std::hash<reload::NodeId> {
  std::size_t operator()(const reload::NodeId& id) const noexcept {
    std::size_t value = 0;
    for (std::size_t i = 0; i < 8; ++i) value = value << 8 | id.view()[id.size() - 1 - i];
    return value;
  }
};
