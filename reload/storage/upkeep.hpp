// Removes what may not stay: values whose lifetime ended (6940 7), and, when the configuration changes, those of Kinds
// that are gone (6940 11.1), of bad nodes, and of addresses of record that the overlay no longer admits (RFC 7904 3.4).
#pragma once

#include "reload/storage/replicator.hpp"

namespace reload::storage {

class Upkeep {
 public:
  Upkeep(ValueStore& store, Replicator& replicator, SignerCertificates& certificates)
      : store_(store), replicator_(replicator), certificates_(certificates) {}

  void on_config_changed(messaging::Context& context);
  void on_timer(messaging::Context& context);
  [[nodiscard]] std::optional<Mono> next_deadline(const Now& now) const;

 private:
  void expire(messaging::Context& context);
  [[nodiscard]] bool may_stay(const StoredValue& value, KindId kind, const messaging::Context& context);
  bool remove(const std::vector<ValueKey>& keys, messaging::Context& context);

  ValueStore& store_;
  Replicator& replicator_;
  SignerCertificates& certificates_;
  Mono not_before_{};  // a store that fails is not asked again at once
  StoreWalk walk_;
};

}  // namespace reload::storage
