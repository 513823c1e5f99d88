// The storage component (6940 7): answers Store, Fetch, Stat and Find; keeps replicas right as the ring changes;
// stores and fetches for this node's own usages. It applies its writes to the store at once; the driver commits them
// before it sends what the step produced, so that no answer promises what a crash would lose.
#pragma once

#include "reload/messaging/handler.hpp"
#include "reload/storage/calls.hpp"
#include "reload/storage/value_store.hpp"

namespace reload::storage {

class Storage {
 public:
  explicit Storage(ValueStore& store);
  ~Storage();

  // From the network. Handles store_req, fetch_req, stat_req, find_req.
  void on_request(const messaging::Request& request, messaging::Context& context);
  void on_answer(const messaging::Token& token, const messaging::Answer& answer, messaging::Context& context);
  void on_signed(const messaging::SignedValue& value, messaging::Context& context);
  void on_timer(messaging::Context& context);
  [[nodiscard]] std::optional<Mono> next_deadline(const Now& now) const;

  // From the topology.
  void on_range_changed(messaging::Context& context);
  void on_neighbor_failed(const NodeId& node, messaging::Context& context);
  void on_hand_over(const NodeId& owner, const NodeId& after, messaging::Context& context);
  // A new configuration: drop Kinds that are gone, values of bad nodes, inadmissible names.
  void on_config_changed(messaging::Context& context);

  // From the commit: what was applied since the last one is safe, or it is undone and may be acknowledged to nobody.
  void on_committed();
  void on_writes_lost(messaging::Context& context);

  // From the API; the result is an event with the same id.
  void store(ApiId id, StoreCall call, messaging::Context& context);
  void fetch(ApiId id, FetchCall call, messaging::Context& context);

  // Drained by node.cpp after each step.
  [[nodiscard]] std::vector<StorageEvent> take_events();

  [[nodiscard]] std::size_t resource_count() const;  // for Probe's num_resources
  [[nodiscard]] std::size_t value_count() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace reload::storage
