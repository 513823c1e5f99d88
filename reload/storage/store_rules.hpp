// The checks of a Store (6940 7.4.1.1, 7.4.1.2, 7.3), one function without side effects. They are made in the order in
// which they stand in store_rules.cpp, and the first that fails decides the answer.
#pragma once

#include "reload/forwarding/route_view.hpp"
#include "reload/messaging/handler.hpp"
#include "reload/storage/refusal.hpp"
#include "reload/storage/value_store.hpp"

namespace reload::storage {

// What the checks look at.
struct StoreCase {
  const messaging::VerifiedStore& store;  // decoded, every value with its verified signer
  const security::Signer& sender;         // of the StoreReq
  const ValueStore& values;
  const config::OverlayConfig& config;
  const forwarding::RouteView& route;
  const security::Crypto& crypto;
  Wall now;
};

struct KindOutcome {
  KindId kind;
  std::uint64_t generation = 0;  // after the Store
  std::uint64_t before = 0;
  std::vector<Bytes> changed;  // slots written
};
struct AcceptedStore {
  WriteBatch writes;  // empty when every value was there already
  std::vector<KindOutcome> kinds;
};

[[nodiscard]] tl::expected<AcceptedStore, Refusal> check_store(const StoreCase& store_case);

}  // namespace reload::storage
