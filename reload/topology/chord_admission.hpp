// The admitting peer's side of a join (6940 6.4.2.1, 10.5 steps 5 to 8): one joining peer after the other, so that each
// is handed exactly the part of the range that was this peer's at that moment.
#pragma once

#include <deque>

#include "reload/topology/chord_upkeep.hpp"

namespace reload::topology {

class ChordAdmission {
 public:
  ChordAdmission(ChordState& state, ChordUpkeep& upkeep) : state_(state), upkeep_(upkeep) {}

  void on_join(const messaging::Request& request, messaging::Context& context);
  void on_handed_over(const NodeId& owner, messaging::Context& context);
  void on_link_down(const NodeId& node, messaging::Context& context);
  // This peer leaves or is no part of the ring any more: nobody is admitted.
  void stop(messaging::Context& context);
  void on_timer(messaging::Context& context);
  [[nodiscard]] std::optional<Mono> next_deadline() const { return hand_over_until_; }

 private:
  struct Waiting {
    NodeId node;
    RequestId request;
  };
  void next(messaging::Context& context);
  void admit(messaging::Context& context);

  ChordState& state_;
  ChordUpkeep& upkeep_;
  std::deque<Waiting> waiting_;
  std::optional<NodeId> joining_;  // it has its JoinAns and is being handed its values
  std::optional<Mono> hand_over_until_;
};

}  // namespace reload::topology
