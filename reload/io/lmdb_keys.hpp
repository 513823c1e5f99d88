// Keys of the LMDB tables. They sort as the things that they name: resources as byte strings, then Kinds, then slots.
#pragma once

#include "reload/storage/value_store.hpp"

namespace reload::io {

// LMDB's keys have at most 511 bytes. CHORD-RELOAD's resources have 16.
inline constexpr std::size_t kMaxLmdbResource = 64;

[[nodiscard]] Bytes resource_key(const ResourceId& resource);
[[nodiscard]] Bytes kind_key(const storage::KindAt& at);                   // resource, Kind
[[nodiscard]] Bytes value_key(const storage::ValueKey& key);               // resource, Kind, slot; a long slot's digest
[[nodiscard]] Bytes expiry_key(Wall when, const storage::ValueKey& key);   // time, value key
[[nodiscard]] Bytes by_kind_key(KindId kind, const ResourceId& resource);  // Kind, resource

// Back. The slot is missing where the key has a digest in its place.
struct ParsedKey {
  storage::KindAt at;
  std::optional<Bytes> slot;
};
[[nodiscard]] std::optional<ParsedKey> parse_kind_key(ByteView key);
[[nodiscard]] std::optional<ParsedKey> parse_value_key(ByteView key);
struct ParsedExpiry {
  Wall when;
  ByteView value_key;
};
[[nodiscard]] std::optional<ParsedExpiry> parse_expiry_key(ByteView key);
[[nodiscard]] std::optional<ResourceId> parse_by_kind_key(ByteView key);

}  // namespace reload::io
