#include "reload/io/lmdb_keys.hpp"

#include <openssl/sha.h>

#include <array>

namespace reload::io {

using storage::KindAt;
using storage::ValueKey;

namespace {

constexpr std::size_t kMaxPlainSlot = 128;
constexpr std::uint8_t kPlain = 0;
constexpr std::uint8_t kDigest = 1;

// Zero bytes get a 0xff behind them and two zeros end the string: so a string sorts before its continuations.
void put_resource(Bytes& out, const ResourceId& resource) {
  for (const std::uint8_t byte : resource.view()) {
    out.push_back(byte);
    if (byte == 0) out.push_back(0xff);
  }
  out.insert(out.end(), {0, 0});
}

void put_integer(Bytes& out, std::uint64_t value, int size) {
  for (int shift = 8 * (size - 1); shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(value >> shift));
}

std::optional<ResourceId> take_resource(ByteView& from) {
  Bytes bytes;
  for (std::size_t i = 0; i + 1 < from.size(); ++i) {
    if (from[i] != 0) {
      bytes.push_back(from[i]);
    } else if (from[i + 1] == 0) {
      from = from.subspan(i + 2);
      return ResourceId(bytes);
    } else {
      bytes.push_back(0);
      ++i;
    }
    if (bytes.size() > kMaxLmdbResource) return std::nullopt;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> take_integer(ByteView& from, std::size_t size) {
  if (from.size() < size) return std::nullopt;
  std::uint64_t value = 0;
  for (const std::uint8_t byte : from.first(size)) value = value << 8 | byte;
  from = from.subspan(size);
  return value;
}

}  // namespace

Bytes resource_key(const ResourceId& resource) {
  Bytes key;
  put_resource(key, resource);
  return key;
}

Bytes kind_key(const KindAt& at) {
  Bytes key = resource_key(at.resource);
  put_integer(key, at.kind.value, 4);
  return key;
}

Bytes value_key(const ValueKey& value) {
  Bytes key = kind_key(storage::at_of(value));
  if (value.slot.size() <= kMaxPlainSlot) {
    key.push_back(kPlain);
    append(key, value.slot);
    return key;
  }
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest{};
  SHA256(value.slot.data(), value.slot.size(), digest.data());
  key.push_back(kDigest);
  append(key, digest);
  return key;
}

Bytes expiry_key(Wall when, const ValueKey& value) {
  Bytes key;
  put_integer(key, static_cast<std::uint64_t>(when.time_since_epoch().count()), 8);
  append(key, value_key(value));
  return key;
}

Bytes by_kind_key(KindId kind, const ResourceId& resource) {
  Bytes key;
  put_integer(key, kind.value, 4);
  put_resource(key, resource);
  return key;
}

std::optional<ParsedKey> parse_kind_key(ByteView key) {
  const auto resource = take_resource(key);
  const auto kind = take_integer(key, 4);
  if (!resource || !kind || !key.empty()) return std::nullopt;
  return ParsedKey{{*resource, KindId{static_cast<std::uint32_t>(*kind)}}, std::nullopt};
}

std::optional<ParsedKey> parse_value_key(ByteView key) {
  const auto resource = take_resource(key);
  const auto kind = take_integer(key, 4);
  const auto form = take_integer(key, 1);
  if (!resource || !kind || !form) return std::nullopt;
  ParsedKey parsed{{*resource, KindId{static_cast<std::uint32_t>(*kind)}}, std::nullopt};
  if (*form == kPlain) parsed.slot = to_bytes(key);
  return parsed;
}

std::optional<ParsedExpiry> parse_expiry_key(ByteView key) {
  const auto when = take_integer(key, 8);
  if (!when) return std::nullopt;
  return ParsedExpiry{Wall(Duration(static_cast<std::int64_t>(*when))), key};
}

std::optional<ResourceId> parse_by_kind_key(ByteView key) {
  if (!take_integer(key, 4)) return std::nullopt;
  return take_resource(key);
}

}  // namespace reload::io
