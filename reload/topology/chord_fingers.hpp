// Filling the Finger Table (6940 10.5, 10.7.2, 10.7.4.2).
//
// A slot is filled first by an Attach to its start. It is tried again when the ring has grown or shrunk by half or
// more, seen by how far the neighbours reach: a peer that joined a small ring would else know no fingers in the large
// one for an hour. An invalid slot is searched by Pings every chord-ping-interval, and at once when its finger failed.
#pragma once

#include <bitset>

#include "reload/topology/chord_attach.hpp"

namespace reload::topology {

class ChordFingers {
 public:
  ChordFingers(ChordState& state, AttachQueue& attaches) : state_(state), attaches_(attaches) {}

  // Called last for each input.
  void advance(messaging::Context& context);
  // A peer of the Routing Table is gone. With reactive recovery another is looked for at once (10.7.2).
  void on_lost(const NodeId& node, messaging::Context& context);
  void on_attached(const AttachDone& done);
  void on_ping_answer(const SentRequest& sent, const messaging::Answer& answer, messaging::Context& context);
  // All fingers are lost, so the rest of the overlay may be out of reach too (10.7.1). Until there are fingers again,
  // or a bootstrap node turned out to be of the same ring.
  [[nodiscard]] bool cut_off() const { return cut_off_; }
  void on_same_ring() { cut_off_ = false; }
  void on_timer(messaging::Context& context);
  [[nodiscard]] std::optional<Mono> next_deadline() const;

 private:
  void fill(messaging::Context& context);
  void ping(unsigned slot, messaging::Context& context);
  [[nodiscard]] bool open(unsigned slot) const;

  ChordState& state_;
  AttachQueue& attaches_;
  std::bitset<limits::kMaxFingers + 1> tried_;
  unsigned reach_ = 0;  // bits the neighbours reach, when the slots were opened last
  bool cut_off_ = false;
  std::optional<Mono> fill_at_;
  std::optional<Mono> search_at_;
};

}  // namespace reload::topology
