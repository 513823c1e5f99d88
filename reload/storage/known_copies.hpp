// What other peers are known to hold, as the generation of each Kind at each resource, so that nothing is sent twice.
// Forgetting is harmless: a copy sent again changes nothing at its receiver (T34).
#pragma once

#include <map>

#include "reload/base/flat_map.hpp"
#include "reload/storage/value_store.hpp"

namespace reload::storage {

class KnownCopies {
 public:
  void note(const NodeId& holder, const KindAt& at, std::uint64_t generation);
  [[nodiscard]] std::uint64_t generation(const NodeId& holder, const KindAt& at) const;  // 0: not known to have any
  void forget(const NodeId& holder);
  // Those for which `outdated(holder, at)` holds.
  template <class Outdated>
  void forget_if(Outdated&& outdated) {
    for (auto& entry : holders_) {
      const NodeId& holder = entry.first;
      size_ -= std::erase_if(entry.second, [&](const auto& copy) { return outdated(holder, copy.first); });
    }
  }
  void forget(const KindAt& at);

 private:
  FlatMap<NodeId, std::map<KindAt, std::uint64_t>> holders_;
  std::size_t size_ = 0;
};

}  // namespace reload::storage
