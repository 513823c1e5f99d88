// A value store in memory: for peers whose data the replicas keep well enough, for simulations and tests.
#pragma once

#include <map>
#include <set>

#include "reload/base/limits.hpp"
#include "reload/storage/value_store.hpp"

namespace reload::storage {

class MemoryStore : public ValueStore {
 public:
  explicit MemoryStore(std::size_t max_values = limits::kMaxMemoryValues) : max_values_(max_values) {}

  [[nodiscard]] std::uint64_t generation(const KindAt& at) const override;
  [[nodiscard]] std::size_t count(const KindAt& at) const override;
  [[nodiscard]] std::optional<StoredValue> find(const ValueKey& key) const override;
  [[nodiscard]] std::vector<std::pair<ValueKey, StoredValue>> values(const KindAt& at) const override;
  [[nodiscard]] std::optional<Bytes> last_slot(const KindAt& at) const override;
  [[nodiscard]] std::vector<KindAt> kinds_after(const std::optional<KindAt>& last, std::size_t limit) const override;
  [[nodiscard]] std::optional<ResourceId> resource_from(KindId kind, const ResourceId& from) const override;
  [[nodiscard]] std::size_t value_count() const override { return value_count_; }
  [[nodiscard]] std::size_t resource_count() const override { return resource_count_; }
  [[nodiscard]] std::vector<ValueKey> expired(Wall now, std::size_t limit) const override;
  [[nodiscard]] std::optional<Wall> next_expiry() const override;

  Result<void> apply(const WriteBatch& batch) override;
  Result<void> commit() override;
  // Back to the last commit: what a crash of the process leaves. The simulator crashes peers with it.
  void roll_back();

 private:
  struct Entry {
    std::uint64_t generation = 0;
    std::map<Bytes, StoredValue> values;  // by slot; never empty
  };
  // What undoes a write: the value or the counter that was there before.
  struct Before {
    ValueKey key;
    std::optional<StoredValue> value;
    std::uint64_t generation = 0;
    bool counter_only = false;
  };

  void put(const ValueKey& key, StoredValue value);
  void remove(const ValueKey& key);
  void set_counter(const KindAt& at, std::uint64_t generation);
  void undo_to(std::size_t size);
  [[nodiscard]] bool has_resource(const ResourceId& resource) const;

  std::size_t max_values_;
  std::size_t value_count_ = 0;
  std::size_t resource_count_ = 0;
  std::map<KindAt, Entry> kinds_;
  std::set<std::pair<KindId, ResourceId>> by_kind_;
  std::set<std::pair<Wall, ValueKey>> by_expiry_;
  std::vector<Before> undo_;  // since the last commit
};

}  // namespace reload::storage
