#include "reload/storage/memory_store.hpp"

namespace reload::storage {

std::uint64_t MemoryStore::generation(const KindAt& at) const {
  const auto it = kinds_.find(at);
  return it == kinds_.end() ? 0 : it->second.generation;
}

std::size_t MemoryStore::count(const KindAt& at) const {
  const auto it = kinds_.find(at);
  return it == kinds_.end() ? 0 : it->second.values.size();
}

std::optional<StoredValue> MemoryStore::find(const ValueKey& key) const {
  const auto kind = kinds_.find(at_of(key));
  if (kind == kinds_.end()) return std::nullopt;
  const auto it = kind->second.values.find(key.slot);
  if (it == kind->second.values.end()) return std::nullopt;
  return it->second;
}

std::vector<std::pair<ValueKey, StoredValue>> MemoryStore::values(const KindAt& at) const {
  std::vector<std::pair<ValueKey, StoredValue>> found;
  const auto kind = kinds_.find(at);
  if (kind == kinds_.end()) return found;
  found.reserve(kind->second.values.size());
  for (const auto& [slot, value] : kind->second.values) found.emplace_back(ValueKey{at.resource, at.kind, slot}, value);
  return found;
}

std::optional<Bytes> MemoryStore::last_slot(const KindAt& at) const {
  const auto kind = kinds_.find(at);
  if (kind == kinds_.end()) return std::nullopt;
  return kind->second.values.rbegin()->first;
}

std::vector<KindAt> MemoryStore::kinds_after(const std::optional<KindAt>& last, std::size_t limit) const {
  std::vector<KindAt> found;
  auto it = last ? kinds_.upper_bound(*last) : kinds_.begin();
  for (; it != kinds_.end() && found.size() < limit; ++it) found.push_back(it->first);
  return found;
}

std::optional<ResourceId> MemoryStore::resource_from(KindId kind, const ResourceId& from) const {
  const auto it = by_kind_.lower_bound({kind, from});
  if (it == by_kind_.end() || it->first != kind) return std::nullopt;
  return it->second;
}

std::vector<ValueKey> MemoryStore::expired(Wall now, std::size_t limit) const {
  std::vector<ValueKey> found;
  for (const auto& [when, key] : by_expiry_) {
    if (when > now || found.size() == limit) break;
    found.push_back(key);
  }
  return found;
}

std::optional<Wall> MemoryStore::next_expiry() const {
  if (by_expiry_.empty()) return std::nullopt;
  return by_expiry_.begin()->first;
}

bool MemoryStore::has_resource(const ResourceId& resource) const {
  const auto it = kinds_.lower_bound(KindAt{resource, KindId{0}});
  return it != kinds_.end() && it->first.resource == resource;
}

void MemoryStore::put(const ValueKey& key, StoredValue value) {
  const KindAt at = at_of(key);
  auto kind = kinds_.find(at);
  if (kind == kinds_.end()) {
    if (!has_resource(key.resource)) ++resource_count_;
    by_kind_.emplace(key.kind, key.resource);
    kind = kinds_.try_emplace(at).first;
  }
  by_expiry_.emplace(value.expires(), key);
  auto [it, fresh] = kind->second.values.try_emplace(key.slot, value);
  if (fresh) {
    ++value_count_;
    return;
  }
  if (it->second.expires() != value.expires()) by_expiry_.erase({it->second.expires(), key});
  it->second = std::move(value);
}

void MemoryStore::remove(const ValueKey& key) {
  const auto kind = kinds_.find(at_of(key));
  if (kind == kinds_.end()) return;
  const auto it = kind->second.values.find(key.slot);
  if (it == kind->second.values.end()) return;
  by_expiry_.erase({it->second.expires(), key});
  kind->second.values.erase(it);
  --value_count_;
  if (!kind->second.values.empty()) return;
  kinds_.erase(kind);
  by_kind_.erase({key.kind, key.resource});
  if (!has_resource(key.resource)) --resource_count_;
}

void MemoryStore::set_counter(const KindAt& at, std::uint64_t generation) {
  const auto kind = kinds_.find(at);
  if (kind != kinds_.end()) kind->second.generation = generation;
}

Result<void> MemoryStore::apply(const WriteBatch& batch) {
  const std::size_t before = undo_.size();
  for (const Write& write : batch) {
    if (const auto* counter = std::get_if<PutCounter>(&write)) {
      undo_.push_back({{counter->at.resource, counter->at.kind, {}}, std::nullopt, generation(counter->at), true});
      set_counter(counter->at, counter->generation);
      continue;
    }
    const auto* put_value = std::get_if<PutValue>(&write);
    const ValueKey& key = put_value != nullptr ? put_value->key : std::get<RemoveValue>(write).key;
    undo_.push_back({key, find(key), generation(at_of(key)), false});
    if (put_value == nullptr) {
      remove(key);
      continue;
    }
    put(key, put_value->value);
    if (value_count_ > max_values_) {
      undo_to(before);
      return failure("the value store in memory is full");
    }
  }
  return {};
}

Result<void> MemoryStore::commit() {
  undo_.clear();
  return {};
}

void MemoryStore::roll_back() { undo_to(0); }

void MemoryStore::undo_to(std::size_t size) {
  while (undo_.size() > size) {
    Before& before = undo_.back();
    if (before.value) {
      put(before.key, std::move(*before.value));
    } else if (!before.counter_only) {
      remove(before.key);
    }
    set_counter(at_of(before.key), before.generation);
    undo_.pop_back();
  }
}

}  // namespace reload::storage
