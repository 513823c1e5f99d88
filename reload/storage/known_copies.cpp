#include "reload/storage/known_copies.hpp"

#include "reload/base/limits.hpp"

namespace reload::storage {

void KnownCopies::note(const NodeId& holder, const KindAt& at, std::uint64_t generation) {
  if (!holders_.contains(holder) && holders_.size() == limits::kMaxKnownHolders) {
    // The one with the fewest copies is the cheapest to learn again.
    const auto fewest = std::min_element(holders_.begin(), holders_.end(), [](const auto& a, const auto& b) {
      return a.second.size() < b.second.size();
    });
    forget(NodeId(fewest->first));
  }
  auto& copies = holders_[holder];
  if (const auto it = copies.find(at); it != copies.end()) {
    it->second = generation;
  } else if (size_ < limits::kMaxKnownCopies) {
    copies.emplace(at, generation);
    ++size_;
  }
}

std::uint64_t KnownCopies::generation(const NodeId& holder, const KindAt& at) const {
  const auto* copies = holders_.get(holder);
  if (copies == nullptr) return 0;
  const auto it = copies->find(at);
  return it == copies->end() ? 0 : it->second;
}

void KnownCopies::forget(const NodeId& holder) {
  if (const auto* copies = holders_.get(holder)) size_ -= copies->size();
  holders_.erase(holder);
}

void KnownCopies::forget(const KindAt& at) {
  for (auto& [holder, copies] : holders_) size_ -= copies.erase(at);
}

}  // namespace reload::storage
