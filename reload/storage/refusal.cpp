#include "reload/storage/refusal.hpp"

#include <algorithm>

namespace reload::storage {

using wire::ErrorCode;

tl::expected<void, Refusal> check_unique(std::vector<KindId> kinds) {
  std::sort(kinds.begin(), kinds.end());
  if (std::adjacent_find(kinds.begin(), kinds.end()) == kinds.end()) return {};
  return refuse(ErrorCode::invalid_message, "a Kind is named twice");
}

tl::expected<void, Refusal> check_known(const std::vector<KindId>& kinds, const config::KindRegistry& registry) {
  std::vector<KindId> unknown;
  for (const KindId kind : kinds) {
    if (registry.find(kind) == nullptr && unknown.size() < limits::kMaxKindsPerRequest) unknown.push_back(kind);
  }
  if (unknown.empty()) return {};
  return refuse(ErrorCode::unknown_kind, "a Kind is not known here", wire::encode(unknown));
}

}  // namespace reload::storage
