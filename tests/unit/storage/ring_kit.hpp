// A ring of storage components that all know who is there. Messages pass through the codec and arrive in order, at
// once.
#pragma once

#include "tests/unit/storage/storage_kit.hpp"

namespace reload::storage_test {

[[nodiscard]] NodeId node_at(std::uint8_t first_byte);

class RingRoute final : public forwarding::RouteView {
 public:
  RingRoute(const NodeId& self, const std::set<NodeId>& members) : self_(self), members_(members) {}

  [[nodiscard]] bool joined() const override { return members_.contains(self_); }
  [[nodiscard]] bool responsible(const ResourceId& resource) const override {
    return joined() && owner_of(resource) == self_;
  }
  [[nodiscard]] bool responsible(const NodeId&) const override { return false; }
  [[nodiscard]] std::vector<NodeId> next_hops(const ResourceId&, bool) const override { return {}; }
  [[nodiscard]] std::vector<NodeId> next_hops(const NodeId&, bool) const override { return {}; }
  [[nodiscard]] std::vector<NodeId> replica_targets() const override;
  [[nodiscard]] bool in_replica_set(const ResourceId& resource) const override {
    return !joined() || plausible_replica_source(resource, self_);
  }
  [[nodiscard]] bool plausible_replica_source(const ResourceId& resource, const NodeId& sender) const override;
  [[nodiscard]] bool plausible_responder(const ResourceId&, const NodeId&) const override { return true; }
  [[nodiscard]] NodeId owner_of(const ResourceId& resource) const override;
  [[nodiscard]] std::uint32_t responsible_ppb() const override { return 0; }

 private:
  NodeId self_;
  const std::set<NodeId>& members_;
};

class Ring {
 public:
  struct Peer {
    Peer(const NodeId& node, const std::set<NodeId>& members) : bench(node), route(node, members) {
      bench.route = &route;
    }
    Bench bench;
    RingRoute route;
    std::vector<NodeId> handed_over;
  };

  explicit Ring(const std::vector<std::uint8_t>& nodes);

  Peer& add(std::uint8_t node);  // there, but not a member yet
  void join(std::uint8_t node);  // becomes a member; everybody is told
  void fail(std::uint8_t node);  // goes without a word; everybody notices
  Peer& at(std::uint8_t node) { return *peers_.at(node_at(node)); }
  Peer& owner(const ResourceId& resource) { return *peers_.at(any_route().owner_of(resource)); }
  [[nodiscard]] std::vector<NodeId> replica_set(const ResourceId& resource);

  // `user` stores `value` with the responsible peer; what it was answered.
  void store(const std::string& user, std::string_view value, std::uint64_t time, std::uint32_t lifetime = 3600);
  void run();                // until nothing is on its way
  void pass(Duration time);  // and what happens in that time, second by second
  [[nodiscard]] std::vector<NodeId> holders(const std::string& user, std::string_view value);

  std::set<std::uint64_t> answered;            // Stores of `store`, by number
  std::map<NodeId, std::size_t> stores_to;     // copies sent to each peer
  std::set<NodeId> deaf;                       // requests to these time out
  std::optional<wire::ErrorCode> refuse_with;  // all Stores are answered so
  std::uint64_t last_store = 0;

 private:
  [[nodiscard]] RingRoute any_route() const { return {*members_.begin(), members_}; }
  void tell_range();
  void deliver(const NodeId& from, messaging::SendRequest request);
  [[nodiscard]] security::Signer signer_of(const ResourceId& resource) const { return users_.at(resource); }

  struct Asked {
    NodeId from;
    messaging::Token token;
    wire::MessageCode code;
    ResourceId resource;
  };
  std::set<NodeId> members_;
  std::map<NodeId, std::unique_ptr<Peer>> peers_;
  std::map<ResourceId, security::Signer> users_;
  std::map<std::uint64_t, Asked> asked_;
  std::uint64_t last_request_ = 1'000'000;
};

}  // namespace reload::storage_test
