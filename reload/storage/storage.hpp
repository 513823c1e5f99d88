// The storage component (6940 7): answers Store, Fetch, Stat and Find; keeps replicas right as the ring changes;
// stores and fetches for this node's own usages. It applies its writes to the store at once; the driver commits them
// before it sends what the step produced, so that no answer promises what a crash would lose.
#pragma once

#include "reload/messaging/handler.hpp"
#include "reload/storage/value_store.hpp"

namespace reload::storage {

// A value to write as one of this node's credentials. `slot`: see the Kind's data model.
struct StoreCall {
  ResourceId resource;
  KindId kind;
  wire::StoredDataValue value;
  std::uint32_t lifetime = 3600;  // seconds
  std::uint64_t generation = 0;   // 0: no check
  CredentialId credential{0};
};
struct StoreDone {
  std::uint64_t generation = 0;
  std::vector<NodeId> replicas;
};
struct FetchCall {
  ResourceId resource;
  std::vector<wire::StoredDataSpecifier> specifiers;
};
// Only values that verified and whose signer may write them (6940 7.4.2.2), and synthetic values that say "nothing
// here" (their signer is unknown); `signers[k][v]` signed value v of kinds[k]; `invalid` counts the others.
struct FetchDone {
  std::vector<wire::FetchKindResponse> kinds;
  std::vector<std::vector<security::Signer>> signers;
  std::size_t invalid = 0;
};
template <class T>
struct CallResult {
  ApiId id;
  tl::expected<T, std::pair<wire::ErrorCode, std::string>> result;
};
using StorageEvent = std::variant<CallResult<StoreDone>, CallResult<FetchDone>>;

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
