// The topology plug-in interface (6940 6.4): events in, effects and a RouteView out.
#pragma once

#include "reload/messaging/handler.hpp"

namespace reload::topology {

enum class JoinState : std::uint8_t { idle, attaching, connecting, joining, joined, leaving, left };

struct TopologyStatus {
  JoinState state = JoinState::idle;
  std::vector<NodeId> predecessors;  // nearest first
  std::vector<NodeId> successors;    // nearest first
  std::vector<NodeId> fingers;
  bool successor_answers = false;  // the nearest successor answered lately (or there is none because we are alone)
};

class Topology : public forwarding::RouteView {
 public:
  // The first peer of a new overlay: joined at once, alone (10.5: only when told so by a local setting).
  virtual void start_first(messaging::Context& context) = 0;
  // Join through a bootstrap node to which a link is up (10.5; guide 12.4). May be called again with another one.
  virtual void start_join(const NodeId& bootstrap, messaging::Context& context) = 0;
  // 10.6 Leave: tell the neighbours, hand over; state becomes left when done or after a bounded time.
  virtual void leave(messaging::Context& context) = 0;

  // Overlay links, as the connection table sees them: up with the first link to a node, down with the last.
  virtual void on_link_up(const NodeId& node, messaging::Context& context) = 0;
  virtual void on_link_down(const NodeId& node, messaging::Context& context) = 0;
  // 6940 6.6.5: no acknowledgement within RTO: out of the Routing Table, back with any acknowledgement.
  virtual void on_link_suspect(const NodeId& node, bool suspect, messaging::Context& context) = 0;
  // What became of WantLink `number`: the node attached to, or why not.
  virtual void on_attach_done(std::uint64_t number, const Result<NodeId>& node, messaging::Context& context) = 0;

  // update_req, join_req, leave_req, route_query_req.
  virtual void on_request(const messaging::Request& request, messaging::Context& context) = 0;
  virtual void on_answer(const messaging::Token& token, const messaging::Answer& answer,
                         messaging::Context& context) = 0;
  virtual void on_update_wanted(const NodeId& node, messaging::Context& context) = 0;
  // An answer about the resource was refused because `signer` is not the nearest to it: see whether who is lives.
  virtual void on_responder_doubted(const ResourceId& resource, const NodeId& signer, messaging::Context& context) = 0;
  // Storage has sent everything that HandOver asked for.
  virtual void on_handed_over(const NodeId& owner, messaging::Context& context) = 0;
  // A link to a bootstrap node is up, opened again to see whether the overlay fell apart (10.7.4.4). Pings the point
  // behind this peer through it and heals; a peer that lost all others joins again through it (10.7.1).
  virtual void on_partition_check(const NodeId& bootstrap, messaging::Context& context) = 0;
  // This peer lost so many others that it may be out of the overlay: to be checked sooner than usual, and again.
  [[nodiscard]] virtual bool cut_off() const = 0;
  virtual void on_timer(messaging::Context& context) = 0;
  [[nodiscard]] virtual std::optional<Mono> next_deadline() const = 0;
  virtual void on_config_changed(messaging::Context& context) = 0;

  [[nodiscard]] virtual TopologyStatus status() const = 0;
  [[nodiscard]] virtual JoinState status_state() const = 0;
};

}  // namespace reload::topology
