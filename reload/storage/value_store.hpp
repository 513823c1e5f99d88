// Where values rest: in memory (memory_store) or on disk (io/lmdb_store). A step's writes are applied at once, so that
// the next request of the same step sees them, and committed by the driver before it sends what the step produced.
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "reload/base/result.hpp"
#include "reload/base/time.hpp"
#include "reload/security/certificate.hpp"
#include "reload/wire/stored_data.hpp"

namespace reload::storage {

// One value slot: slot bytes are empty (single), a 4-byte big-endian index (array) or the key (dictionary).
struct ValueKey {
  ResourceId resource;
  KindId kind;
  Bytes slot;
  friend auto operator<=>(const ValueKey&, const ValueKey&) = default;
};
[[nodiscard]] Bytes slot_of(const wire::StoredDataValue& value);

struct StoredValue {
  wire::StoredData data;  // lifetime as received
  Wall received_at;
  SharedBytes certificate;  // DER of the signer's certificate, kept with the value (6940 6.3.4)
  security::CertificateHash certificate_hash{};
  [[nodiscard]] Wall expires() const { return received_at + std::chrono::seconds(data.lifetime); }
};
// 6940 7.4.1.1: the lifetime less the time the value was held here; 0 when it is over.
[[nodiscard]] std::uint32_t remaining_lifetime(const StoredValue& value, Wall now);

// A value and its arrival as bytes, without the certificate; for stores that keep bytes. decode_record refuses what
// encode_record did not write.
[[nodiscard]] Bytes encode_record(const StoredValue& value);
[[nodiscard]] std::optional<StoredValue> decode_record(ByteView record);

struct KindAt {
  ResourceId resource;
  KindId kind;
  friend auto operator<=>(const KindAt&, const KindAt&) = default;
};
[[nodiscard]] inline KindAt at_of(const ValueKey& key) { return {key.resource, key.kind}; }

struct PutValue {
  ValueKey key;
  StoredValue value;
};
struct RemoveValue {
  ValueKey key;
};
// The generation counter of one Kind at one resource. It lives as long as there is a value: it goes with the last one,
// and comes after the first one of a batch.
struct PutCounter {
  KindAt at;
  std::uint64_t generation = 0;
};
using Write = std::variant<PutValue, RemoveValue, PutCounter>;
using WriteBatch = std::vector<Write>;  // in order

class ValueStore {
 public:
  virtual ~ValueStore() = default;

  // Reads see every batch that was applied, committed or not.
  [[nodiscard]] virtual std::uint64_t generation(const KindAt& at) const = 0;  // 0: nothing there
  [[nodiscard]] virtual std::size_t count(const KindAt& at) const = 0;         // values of one Kind at one resource
  [[nodiscard]] virtual std::optional<StoredValue> find(const ValueKey& key) const = 0;
  // All values of one Kind at one resource, by slot; and the slot of the last of them.
  [[nodiscard]] virtual std::vector<std::pair<ValueKey, StoredValue>> values(const KindAt& at) const = 0;
  [[nodiscard]] virtual std::optional<Bytes> last_slot(const KindAt& at) const = 0;
  // The (resource, Kind) pairs that have values, in order of resource and from the one after `last` on (nothing: from
  // the first), at most `limit`: to walk the store in pieces.
  [[nodiscard]] virtual std::vector<KindAt> kinds_after(const std::optional<KindAt>& last, std::size_t limit) const = 0;
  // The first resource from `from` on that has values of the Kind.
  [[nodiscard]] virtual std::optional<ResourceId> resource_from(KindId kind, const ResourceId& from) const = 0;
  [[nodiscard]] virtual std::size_t value_count() const = 0;
  [[nodiscard]] virtual std::size_t resource_count() const = 0;
  // Values whose lifetime ends at or before `now`, at most `limit`; and when the next one does.
  [[nodiscard]] virtual std::vector<ValueKey> expired(Wall now, std::size_t limit) const = 0;
  [[nodiscard]] virtual std::optional<Wall> next_expiry() const = 0;

  // All of a batch or nothing. A failure (disk full) leaves the store as it was.
  virtual Result<void> apply(const WriteBatch& batch) = 0;
  // Makes everything applied survive a crash of the process. After a failure what was applied since the last commit
  // is undone.
  virtual Result<void> commit() = 0;
};

}  // namespace reload::storage
