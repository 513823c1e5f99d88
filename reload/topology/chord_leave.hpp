// Leaving (6940 10.9, guide 12.8): both sides.
#pragma once

#include "reload/topology/chord_upkeep.hpp"

namespace reload::topology {

class ChordLeave {
 public:
  ChordLeave(ChordState& state, AttachQueue& attaches, ChordUpkeep& upkeep)
      : state_(state), attaches_(attaches), upkeep_(upkeep) {}

  void start(messaging::Context& context);
  void on_handed_over(const NodeId& owner, messaging::Context& context);
  void on_answer(const SentRequest& sent, messaging::Context& context);
  void on_link_down(const NodeId& node, messaging::Context& context);
  // True when a peer of the tables left.
  bool on_leave(const messaging::Request& request, messaging::Context& context);
  void on_timer(messaging::Context& context);
  [[nodiscard]] std::optional<Mono> next_deadline() const { return until_; }

 private:
  void say_leave(messaging::Context& context);
  void done(messaging::Context& context);

  ChordState& state_;
  AttachQueue& attaches_;
  ChordUpkeep& upkeep_;
  std::optional<NodeId> heir_;  // the successor, while it is handed what it does not have yet
  std::vector<NodeId> unanswered_;
  std::optional<Mono> until_;
};

}  // namespace reload::topology
