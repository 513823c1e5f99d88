// The links the plug-in wants: to nodes that may be neighbours, to the owner of a point of the ring, to a peer of
// another partition (6940 10.5, 10.6, 10.7.3). Every wish ends: in a link, in a failure, or in being given up (T56).
#pragma once

#include "reload/topology/chord_state.hpp"

namespace reload::topology {

enum class AttachPurpose : std::uint8_t { admitting, neighbor, finger, healing };
struct AttachDone {
  AttachPurpose purpose = AttachPurpose::neighbor;
  unsigned slot = 0;           // finger
  std::optional<NodeId> node;  // nothing: it failed
};

class AttachQueue {
 public:
  explicit AttachQueue(ChordState& state) : state_(state) {}

  // `via` named the node in an Update or Leave: if it would be a neighbour, it gets an Attach source-routed through
  // `via` (10.6), or as routing says if `via` is zero.
  void consider(const NodeId& node, const NodeId& via, messaging::Context& context);
  // A neighbour was lost: look whether it is still there, a little later (10.7.1).
  void consider_again(const NodeId& node, messaging::Context& context);
  void attach(AttachPurpose purpose, unsigned slot, wire::DestinationList to, messaging::Context& context);

  // Nothing for a number that is not known any more.
  std::optional<AttachDone> on_done(std::uint64_t number, const Result<NodeId>& node, messaging::Context& context);
  // What was asked through the node is asked another way.
  void on_link_down(const NodeId& node, messaging::Context& context);
  // Attaches to those candidates that are worth it now.
  void pump(messaging::Context& context);
  // A first Attach to a would-be neighbour has not ended yet.
  [[nodiscard]] bool busy() const;
  // Those that are not attached by now count as tried in vain; they may still come.
  void leave_out_late();
  [[nodiscard]] std::size_t out(AttachPurpose purpose) const;
  void forget(AttachPurpose purpose);
  [[nodiscard]] std::optional<Mono> next_deadline() const;

 private:
  struct Candidate {
    NodeId via;
    unsigned tries = 0;
    bool lost = false;
    bool eligible = false;     // as of the last pump
    std::uint64_t number = 0;  // of the Attach that is out
    NodeId through;            // the peer it was sent through
    Mono overdue;              // when it stands in the way of the next best no longer
    Mono next_try;
  };
  struct Out {
    AttachPurpose purpose;
    unsigned slot;
    NodeId node;  // neighbor
    Mono until;
  };
  [[nodiscard]] bool first_try_open(const NodeId& node, const Candidate& candidate) const;
  void start(const NodeId& node, Candidate& candidate, messaging::Context& context);
  void ask(const NodeId& node, Candidate& candidate, messaging::Context& context);
  [[nodiscard]] bool is_asked_on(const NodeId& node) const;
  void failed(Candidate& candidate, messaging::Context& context);

  ChordState& state_;
  FlatMap<NodeId, Candidate> candidates_;
  FlatMap<std::uint64_t, Out> out_;
};

}  // namespace reload::topology
