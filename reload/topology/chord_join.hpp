// The joining peer's side (6940 10.5, guide 12.4): find the admitting peer, attach to the neighbours, Join, and wait
// for the Update that makes this peer responsible. Each step has its deadline; what fails is begun again.
#pragma once

#include "reload/topology/chord_attach.hpp"

namespace reload::topology {

class ChordJoin {
 public:
  ChordJoin(ChordState& state, AttachQueue& attaches) : state_(state), attaches_(attaches) {}

  void start(const NodeId& bootstrap, messaging::Context& context);
  void on_attached(const AttachDone& done, messaging::Context& context);
  void on_join_answer(const SentRequest& sent, const messaging::Answer& answer, messaging::Context& context);
  void on_ping_answer(const SentRequest& sent, const messaging::Answer& answer, messaging::Context& context);
  void on_update(const NodeId& from, const wire::UpdateReq& update, messaging::Context& context);
  void on_link_down(const NodeId& node, messaging::Context& context);
  // Goes on if what the step waits for is there.
  void advance(messaging::Context& context);
  void on_timer(messaging::Context& context);
  [[nodiscard]] std::optional<Mono> next_deadline() const;

 private:
  [[nodiscard]] bool under_way() const;
  void find_admitting_peer(messaging::Context& context);
  void ask_for_successor_of(const NodeId& node, messaging::Context& context);
  void again(Duration delay, messaging::Context& context);
  void failed(messaging::Context& context);
  void become_joined(messaging::Context& context);

  ChordState& state_;
  AttachQueue& attaches_;
  std::optional<NodeId> admitting_;
  bool attached_ = false;                     // the Attach to the admitting peer succeeded
  bool pinged_ = false;                       // the admitting peer told of nobody: its successors are pinged
  std::vector<NodeId> found_;                 // so
  std::optional<NodeId> asked_;               // whose successor is asked for by a Ping
  bool answered_ = false;                     // the JoinAns came
  std::optional<wire::UpdateReq> admission_;  // the Update that names this peer came
  unsigned failures_ = 0;
  std::optional<Mono> step_until_;   // the deadline of the step; when waiting to begin anew: the time to do so
  bool waiting_ = false;             // to begin anew
  std::optional<Mono> announce_by_;  // joined: own Updates go out when the neighbours are attached, then at the latest
};

}  // namespace reload::topology
