// Where values rest. Reading is through this interface; writing collects in a WriteBatch that the driver applies and
// commits before it sends what the same step produced. In memory (memory_store) and on disk (io/lmdb_store).
#pragma once

#include <functional>

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
  wire::StoredData data;      // lifetime as received
  Wall received_at;
  Bytes certificate;          // DER of the signer's certificate, kept with the value (6940 6.3.4)
  security::CertificateHash certificate_hash{};
  [[nodiscard]] Wall expires() const { return received_at + std::chrono::seconds(data.lifetime); }
};

struct KindAt {
  ResourceId resource;
  KindId kind;
  friend auto operator<=>(const KindAt&, const KindAt&) = default;
};

// Writes of one step, in order.
struct PutValue {
  ValueKey key;
  StoredValue value;
};
struct RemoveValue {
  ValueKey key;
};
struct PutCounter {  // generation counter of one Kind at one resource; 0 removes it
  KindAt at;
  std::uint64_t generation = 0;
};
using Write = std::variant<PutValue, RemoveValue, PutCounter>;
using WriteBatch = std::vector<Write>;

class ValueStore {
 public:
  virtual ~ValueStore() = default;

  // Reads see every batch that was applied, committed or not.
  [[nodiscard]] virtual std::uint64_t generation(const KindAt& at) const = 0;  // 0: never written
  [[nodiscard]] virtual std::optional<StoredValue> find(const ValueKey& key) const = 0;
  // All values of one Kind at one resource, by slot.
  [[nodiscard]] virtual std::vector<std::pair<ValueKey, StoredValue>> values(const KindAt& at) const = 0;
  // The (resource, Kind) pairs in order of resource from `from` on, at most `limit`: to walk the store in pieces.
  [[nodiscard]] virtual std::vector<KindAt> kinds_from(const KindAt& from, std::size_t limit) const = 0;
  [[nodiscard]] virtual std::size_t value_count() const = 0;
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
