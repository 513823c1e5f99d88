// The peers this peer can route through, as points on the ring, and every question about the ring that they answer
// (6940 10.3, 10.4, 10.7.4.2). Pure: no messages, no time. A lookup costs O(log n).
//
// One sorted table is Neighbor Table, Finger Table and Routing Table in one: the neighbours are its first and last
// entries, the finger of a slot is the first entry in the slot's range. So a lost peer leaves no reference behind
// (10.7.2), and the closest preceding peer takes its place by itself.
#pragma once

#include <vector>

#include "reload/base/limits.hpp"
#include "reload/base/ring.hpp"

namespace reload::topology {

// What a peer tells of its Neighbor Table (6940 10.7), nearest first.
struct NeighborLists {
  std::vector<NodeId> predecessors;
  std::vector<NodeId> successors;
  friend bool operator==(const NeighborLists&, const NeighborLists&) = default;
};

// How many binary digits the number has.
[[nodiscard]] unsigned bits(ring::Point value);

class ChordTables {
 public:
  // Precondition: ring::is_point(self.view()).
  explicit ChordTables(const NodeId& self);

  // The node itself is never entered (10.7.3); nor is what is no point of the ring (T54).
  bool insert(const NodeId& node);
  bool erase(const NodeId& node);
  void set_suspect(const NodeId& node, bool suspect);
  [[nodiscard]] bool contains(const NodeId& node) const;
  [[nodiscard]] bool empty() const { return peers_.empty(); }
  [[nodiscard]] std::size_t size() const { return peers_.size(); }
  // Another number whenever a peer came or went.
  [[nodiscard]] std::uint64_t revision() const { return revision_; }

  [[nodiscard]] const NodeId& self() const { return self_; }
  [[nodiscard]] NeighborLists neighbors() const;
  [[nodiscard]] std::optional<NodeId> first_successor() const;
  [[nodiscard]] std::optional<NodeId> first_predecessor() const;
  // From the third peer before this one to the third behind it, or as far as they are known; 0 when alone.
  [[nodiscard]] ring::Point span() const;
  // How many neighbours are kept before and after this peer, where the ring has them (10.7): at least three, and in all
  // as many as the binary logarithm of the number of peers, which the nearest three on each side give an idea of.
  [[nodiscard]] std::size_t each_side() const;
  // Peers that are no neighbours are known: mere fingers.
  [[nodiscard]] bool reaches_beyond_neighbors() const { return peers_.size() > 2 * each_side(); }
  // Among the nearest each_side() before or after this peer; for a node not in the table: it would be.
  [[nodiscard]] bool is_neighbor(const NodeId& node) const;
  // The nodes of `wanted` that would be neighbours if all of them were in the table.
  [[nodiscard]] std::vector<NodeId> neighbors_among(const std::vector<NodeId>& wanted) const;

  // 10.3: the peer at the point itself; else the one with the largest id between this peer and the point; if there is
  // none, the first after the point. Suspect peers only when they are the only way to make progress.
  [[nodiscard]] std::optional<NodeId> next_hop(ring::Point point) const;
  // The first peer at or after the point, this peer included if `with_self`.
  [[nodiscard]] std::optional<NodeId> owner_of(ring::Point point, bool with_self) const;
  // How many peers of the table lie in [point, node): those that are nearer to be in charge of the point.
  [[nodiscard]] std::size_t nearer_than(const NodeId& node, ring::Point point) const;

  // 10.7.4.2: slot i = 1.. covers [self + 2^(128-i), self + 2^(129-i) - 1]. 16 slots, and more (up to 128) when the
  // neighbours are so near that 16 do not reach them (10.7.4.3).
  [[nodiscard]] unsigned finger_slots() const;
  [[nodiscard]] ring::Point finger_start(unsigned slot) const;
  [[nodiscard]] std::optional<NodeId> finger(unsigned slot) const;
  [[nodiscard]] bool in_finger_slot(unsigned slot, const NodeId& node) const;
  // The slot's start is owned by a neighbour or by this peer, so that a search would find nobody new.
  [[nodiscard]] bool finger_needless(unsigned slot) const;
  // The slot a node falls in; 0 if beyond the last.
  [[nodiscard]] unsigned finger_slot_of(const NodeId& node) const;
  // The Finger Table as an Update lists it: in ascending order, each once.
  [[nodiscard]] std::vector<NodeId> fingers() const;

 private:
  struct Peer {
    ring::Point distance;  // clockwise from self
    NodeId node;
    bool suspect = false;
  };
  using Peers = std::vector<Peer>;

  [[nodiscard]] ring::Point distance_to(const NodeId& node) const;
  [[nodiscard]] Peers::const_iterator lower(ring::Point distance) const;
  [[nodiscard]] Peers::const_iterator find(const NodeId& node) const;

  NodeId self_;
  ring::Point here_;
  Peers peers_;  // by distance
  std::uint64_t revision_ = 0;
};

}  // namespace reload::topology
