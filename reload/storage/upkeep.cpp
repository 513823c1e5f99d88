#include "reload/storage/upkeep.hpp"

#include <algorithm>

#include "reload/security/access_control.hpp"

namespace reload::storage {

using messaging::Context;

void Upkeep::on_config_changed(Context& context) {
  walk_.restart(context.now.mono);
  on_timer(context);
}

void Upkeep::on_timer(Context& context) {
  expire(context);
  walk_.advance(store_, context.now.mono, [&](const KindAt& at) {
    std::vector<ValueKey> gone;
    for (const auto& [key, value] : store_.values(at)) {
      if (!may_stay(value, at.kind, context)) gone.push_back(key);
    }
    if (!remove(gone, context)) walk_.failed(context.now.mono);
    return true;
  });
}

void Upkeep::expire(Context& context) {
  if (context.now.mono < not_before_) return;
  const std::vector<ValueKey> over = store_.expired(context.now.wall, limits::kStoreWalkPiece);
  if (remove(over, context)) {
    context.counters.add(Counter::values_expired, over.size());
  } else {
    not_before_ = context.now.mono + limits::kCopyRetryFirst;
  }
}

bool Upkeep::remove(const std::vector<ValueKey>& keys, Context& context) {
  if (keys.empty()) return true;
  WriteBatch removal;
  for (const ValueKey& key : keys) removal.push_back(RemoveValue{key});
  if (!store_.apply(removal)) {
    context.counters.add(Counter::store_failures);
    return false;
  }
  for (const ValueKey& key : keys) {
    if (store_.count(at_of(key)) == 0) replicator_.forget(at_of(key));
  }
  return true;
}

bool Upkeep::may_stay(const StoredValue& value, KindId kind, const Context& context) {
  if (context.config.kinds.find(kind) == nullptr) return false;
  const security::CertificatePtr signer = certificates_.of(value, context);
  if (signer == nullptr) return false;  // nobody could check it
  if (security::is_banned(*signer, context.config)) return false;
  if (kind != wire::kKindSipRegistration) return true;
  const std::string_view user = signer->user_name;
  const std::size_t at = user.rfind('@');
  return at != std::string_view::npos && security::domain_admissible(context.config, user.substr(at + 1));
}

std::optional<Mono> Upkeep::next_deadline(const Now& now) const {
  std::optional<Mono> next = walk_.due();
  if (const auto expiry = store_.next_expiry()) {
    const Mono at = std::max({now.mono, now.mono + (*expiry - now.wall), not_before_});
    if (!next || at < *next) next = at;
  }
  return next;
}

}  // namespace reload::storage
