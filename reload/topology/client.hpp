// A client (6940 4.2, guide 16): part of no ring, stores nothing for others, routes everything to one peer.
//
// It attaches to the peer in charge of its own Node-ID, so that messages to it arrive there (4.2.1, option 1), and
// moves on when an Update says that another peer is in charge. Until then, or when that fails, its bootstrap node is
// its peer (option 2).
#pragma once

#include "reload/topology/topology.hpp"

namespace reload::topology {

class Client final : public Topology {
 public:
  explicit Client(const NodeId& self) : self_(self) {}

  void start_first(messaging::Context& context) override;
  void start_join(const NodeId& bootstrap, messaging::Context& context) override;
  void leave(messaging::Context& context) override;
  void on_link_up(const NodeId& node, messaging::Context& context) override;
  void on_link_down(const NodeId& node, messaging::Context& context) override;
  void on_link_suspect(const NodeId& node, bool suspect, messaging::Context& context) override;
  void on_attach_done(std::uint64_t number, const Result<NodeId>& node, messaging::Context& context) override;
  void on_request(const messaging::Request& request, messaging::Context& context) override;
  void on_answer(const messaging::Token& token, const messaging::Answer& answer, messaging::Context& context) override;
  void on_update_wanted(const NodeId& node, messaging::Context& context) override;
  void on_responder_doubted(const ResourceId& resource, const NodeId& signer, messaging::Context& context) override;
  void on_handed_over(const NodeId& owner, messaging::Context& context) override;
  void on_partition_check(const NodeId& bootstrap, messaging::Context& context) override;
  [[nodiscard]] bool cut_off() const override { return false; }  // without its peers it is not joined
  void on_timer(messaging::Context& context) override;
  [[nodiscard]] std::optional<Mono> next_deadline() const override { return attach_at_; }
  void on_config_changed(messaging::Context& context) override;
  [[nodiscard]] TopologyStatus status() const override;
  [[nodiscard]] JoinState status_state() const override { return state_; }

  // It can use the overlay; it is in charge of nothing.
  [[nodiscard]] bool joined() const override { return state_ == JoinState::joined; }
  [[nodiscard]] bool responsible(const ResourceId&) const override { return false; }
  [[nodiscard]] bool responsible(const NodeId&) const override { return false; }
  [[nodiscard]] std::vector<NodeId> next_hops(const ResourceId& resource, bool own) const override;
  [[nodiscard]] std::vector<NodeId> next_hops(const NodeId& node, bool own) const override;
  [[nodiscard]] std::vector<NodeId> replica_targets() const override { return {}; }
  [[nodiscard]] bool in_replica_set(const ResourceId&) const override { return false; }
  [[nodiscard]] bool plausible_replica_source(const ResourceId&, const NodeId&) const override { return false; }
  // A client has no Neighbor Table to compare a responder with.
  [[nodiscard]] bool plausible_responder(const ResourceId&, const NodeId&) const override { return true; }
  [[nodiscard]] NodeId owner_of(const ResourceId& resource) const override;
  [[nodiscard]] std::uint32_t responsible_ppb() const override { return 0; }

 private:
  void attach(messaging::Context& context);
  void use(std::optional<NodeId> peer, messaging::Context& context);
  void on_update(const messaging::Request& request, messaging::Context& context);

  NodeId self_;
  JoinState state_ = JoinState::idle;
  std::vector<NodeId> links_;   // sorted
  std::vector<NodeId> peers_;   // linked nodes known to be peers, the latest last
  std::optional<NodeId> peer_;  // where everything goes
  std::uint64_t number_ = 0;    // of the Attach that is out, or was last
  bool attaching_ = false;
  unsigned failures_ = 0;
  std::optional<Mono> attach_at_;  // when to look again for the peer in charge
};

// Precondition: ring::is_point(self.view()).
[[nodiscard]] std::unique_ptr<Topology> make_client(const NodeId& self);

}  // namespace reload::topology
