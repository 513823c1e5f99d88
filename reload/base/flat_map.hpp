// A map as a sorted vector: iteration has the same order on every platform and run, which the simulator's digest
// depends on. For small tables; use std::map where thousands of entries come and go.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

namespace reload {

template <class Key, class Value>
class FlatMap {
 public:
  using Entry = std::pair<Key, Value>;
  using iterator = typename std::vector<Entry>::iterator;
  using const_iterator = typename std::vector<Entry>::const_iterator;

  iterator begin() { return entries_.begin(); }
  iterator end() { return entries_.end(); }
  const_iterator begin() const { return entries_.begin(); }
  const_iterator end() const { return entries_.end(); }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] bool empty() const { return entries_.empty(); }
  void clear() { entries_.clear(); }

  iterator find(const Key& key) {
    auto it = lower(key);
    return it != end() && it->first == key ? it : end();
  }
  const_iterator find(const Key& key) const { return const_cast<FlatMap*>(this)->find(key); }
  [[nodiscard]] bool contains(const Key& key) const { return find(key) != end(); }
  Value* get(const Key& key) {
    auto it = find(key);
    return it == end() ? nullptr : &it->second;
  }
  const Value* get(const Key& key) const { return const_cast<FlatMap*>(this)->get(key); }

  Value& operator[](const Key& key) {
    auto it = lower(key);
    if (it == end() || it->first != key) it = entries_.insert(it, Entry(key, Value{}));
    return it->second;
  }
  bool erase(const Key& key) {
    auto it = find(key);
    if (it == end()) return false;
    entries_.erase(it);
    return true;
  }
  iterator erase(iterator it) { return entries_.erase(it); }

 private:
  iterator lower(const Key& key) {
    return std::lower_bound(entries_.begin(), entries_.end(), key,
                            [](const Entry& entry, const Key& wanted) { return entry.first < wanted; });
  }
  std::vector<Entry> entries_;
};

}  // namespace reload
