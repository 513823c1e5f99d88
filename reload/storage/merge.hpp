// 6940 7.4.1.1: taking over newer values from a peer that refused ours as too old, so that copies agree again after a
// partition. Per slot the later storage time wins.
#pragma once

#include "reload/config/kind.hpp"
#include "reload/storage/calls.hpp"
#include "reload/storage/value_store.hpp"

namespace reload::storage {

// The request that asks for everything of a Kind at a resource.
[[nodiscard]] wire::FetchReq fetch_all(const KindAt& at, wire::DataModel model);

// The writes that bring the store up to `fetched`, whose values were checked; empty when nothing there is newer.
[[nodiscard]] WriteBatch merge(const FetchDone& fetched, const KindAt& at, const config::Kind& kind,
                               const ValueStore& store, Wall now);
// Whether each value stored here that is not over is in `fetched` too, the same or a newer one.
[[nodiscard]] bool covers(const FetchDone& fetched, const KindAt& at, const ValueStore& store, Wall now);

}  // namespace reload::storage
