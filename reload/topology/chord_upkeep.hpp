// Keeping the ring right (6940 10.7): what Updates tell, whom to tell what, neighbours that fail, liveness.
//
// An Update goes to a node when our neighbours differ from what that node was told last: to neighbours at once, to the
// rest of the Connection Table a moment later, so that a burst of changes costs one message. The same content never
// goes to the same node twice but for the periodic Update.
#pragma once

#include "reload/topology/chord_attach.hpp"

namespace reload::topology {

class ChordUpkeep {
 public:
  ChordUpkeep(ChordState& state, AttachQueue& attaches) : state_(state), attaches_(attaches) {}

  void on_link_up(const NodeId& node, messaging::Context& context);
  void on_link_down(const NodeId& node, messaging::Context& context);
  void on_link_suspect(const NodeId& node, bool suspect, messaging::Context& context);
  // Others act as if this neighbour were gone: is it?
  void on_doubt(const NodeId& node, messaging::Context& context);
  void on_update(const messaging::Request& request, const wire::UpdateReq& update, messaging::Context& context);
  void on_update_wanted(const NodeId& node, messaging::Context& context);
  // Of an Update or Ping sent from here.
  void on_answer(const SentRequest& sent, const messaging::Answer& answer, messaging::Context& context);
  // A node that is not an equal part of the ring any more, though its link may be up: left, failed, or joining anew.
  void remove(const NodeId& node, messaging::Context& context);
  // As `remove`; storage waits the hold-down, and the node is looked for again (10.7.1).
  void fail(const NodeId& node, messaging::Context& context);

  // Sees what an input changed, and tells storage and the other nodes. Called last for each input.
  void settle(messaging::Context& context);
  void on_timer(messaging::Context& context);
  // Fails the peers whose links have been suspect for too long, and names them.
  std::vector<NodeId> fail_silent(messaging::Context& context);
  void on_config_changed(messaging::Context& context);
  [[nodiscard]] std::optional<Mono> next_deadline() const;

  // The peer admitted by this one must hear so, whatever it was told before (10.5 step 7).
  void announce_admitted(const NodeId& node, messaging::Context& context);
  // The Update that tells another partition of ours (10.7.4.4).
  void send_neighbors(const NodeId& node, messaging::Context& context);

 private:
  void send(const NodeId& node, Link& link, wire::ChordUpdateType type, messaging::Context& context);
  // Whether the Neighbor Table is another than at the last look.
  bool look_at_neighbors();
  void tell(messaging::Context& context);
  void refill(messaging::Context& context);
  void ping(const NodeId& node, Link& link, messaging::Context& context);
  void ping_if_quiet(const NodeId& node, Duration quiet, messaging::Context& context);

  ChordState& state_;
  AttachQueue& attaches_;
  // As of the last settle.
  bool was_joined_ = false;
  bool was_announced_ = false;
  ring::Point was_start_ = 0;
  std::uint64_t revision_ = 0;  // of the tables that now_ is of
  std::shared_ptr<const NeighborLists> now_ = std::make_shared<NeighborLists>();
  // What everyone is to know. Behind now_ only when chord-reactive is off.
  std::shared_ptr<const NeighborLists> target_ = now_;
  std::optional<Mono> broadcast_at_;
  std::optional<Mono> refresh_at_;  // not after the first Link::refresh_at
  std::optional<Mono> ping_at_;
  std::optional<Mono> silent_at_;  // not after the first peer with a suspect link is to be failed
};

}  // namespace reload::topology
