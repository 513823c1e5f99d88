// CHORD-RELOAD (6940 10) as a topology plug-in: hands each event to the part it is for, answers route queries, and is
// the RouteView of a peer.
//
// Links are never dropped here. A link that this peer has no use for may be another's finger or a client's only way in,
// which cannot be told from outside; the connection table's limit bounds them.
#pragma once

#include "reload/topology/chord_admission.hpp"
#include "reload/topology/chord_fingers.hpp"
#include "reload/topology/chord_join.hpp"
#include "reload/topology/chord_leave.hpp"

namespace reload::topology {

class Chord final : public Topology {
 public:
  // Precondition: ring::is_point(self.view()); other lengths are refused with the configuration document (T54).
  // `replicas`: how many successors have copies, at most limits::kNeighborsEachSide.
  Chord(const NodeId& self, std::size_t replicas);

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
  [[nodiscard]] bool cut_off() const override { return fingers_.cut_off(); }
  void on_timer(messaging::Context& context) override;
  [[nodiscard]] std::optional<Mono> next_deadline() const override;
  void on_config_changed(messaging::Context& context) override;
  [[nodiscard]] TopologyStatus status() const override;
  [[nodiscard]] JoinState status_state() const override { return state_.join; }

  [[nodiscard]] bool joined() const override { return state_.joined(); }
  [[nodiscard]] bool responsible(const ResourceId& resource) const override;
  [[nodiscard]] bool responsible(const NodeId& node) const override;
  [[nodiscard]] std::vector<NodeId> next_hops(const ResourceId& resource, bool own) const override;
  [[nodiscard]] std::vector<NodeId> next_hops(const NodeId& node, bool own) const override;
  [[nodiscard]] std::vector<NodeId> replica_targets() const override;
  [[nodiscard]] bool in_replica_set(const ResourceId& resource) const override;
  [[nodiscard]] bool plausible_replica_source(const ResourceId& resource, const NodeId& sender) const override;
  [[nodiscard]] bool plausible_responder(const ResourceId& resource, const NodeId& signer) const override;
  [[nodiscard]] NodeId owner_of(const ResourceId& resource) const override;
  [[nodiscard]] std::uint32_t responsible_ppb() const override;

 private:
  // The neighbour nearest behind `from`, where one that is not suspect is nearer than `to`.
  [[nodiscard]] std::optional<NodeId> nearest_neighbor(ring::Point from, ring::Point to) const;
  void settle(messaging::Context& context);
  void on_update(const messaging::Request& request, messaging::Context& context);
  void on_route_query(const messaging::Request& request, messaging::Context& context);
  void on_bootstrap_answer(const SentRequest& sent, const messaging::Answer& answer, messaging::Context& context);
  [[nodiscard]] std::vector<NodeId> next_hops_to(ByteView id, bool own) const;
  [[nodiscard]] std::size_t nearer(ByteView point, const NodeId& node) const;

  ChordState state_;
  AttachQueue attaches_;
  ChordUpkeep upkeep_;
  ChordAdmission admission_;
  ChordJoin join_;
  ChordFingers fingers_;
  ChordLeave leave_;
  std::size_t replicas_;
};

// Precondition: ring::is_point(self.view()).
[[nodiscard]] std::unique_ptr<Topology> make_chord(const NodeId& self, std::size_t replicas = limits::kReplicas);

}  // namespace reload::topology
