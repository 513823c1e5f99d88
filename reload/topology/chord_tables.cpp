#include "reload/topology/chord_tables.hpp"

#include <algorithm>
#include <bit>

namespace reload::topology {

using limits::kNeighborsEachSide;
using ring::Point;

unsigned bits(Point value) {
  const auto high = static_cast<std::uint64_t>(value >> 64);
  const auto low = static_cast<std::uint64_t>(value);
  return static_cast<unsigned>(high != 0 ? 64 + std::bit_width(high) : std::bit_width(low));
}

ChordTables::ChordTables(const NodeId& self) : self_(self), here_(ring::to_point(self.view())) {}

Point ChordTables::distance_to(const NodeId& node) const { return ring::distance(here_, ring::to_point(node.view())); }

ChordTables::Peers::const_iterator ChordTables::lower(Point distance) const {
  return std::lower_bound(peers_.begin(), peers_.end(), distance,
                          [](const Peer& peer, Point wanted) { return peer.distance < wanted; });
}

ChordTables::Peers::const_iterator ChordTables::find(const NodeId& node) const {
  if (!ring::is_point(node.view())) return peers_.end();
  const auto it = lower(distance_to(node));
  return it != peers_.end() && it->node == node ? it : peers_.end();
}

bool ChordTables::contains(const NodeId& node) const { return find(node) != peers_.end(); }

bool ChordTables::insert(const NodeId& node) {
  if (!ring::is_point(node.view()) || node == self_ || contains(node)) return false;
  peers_.insert(lower(distance_to(node)), Peer{distance_to(node), node});
  ++revision_;
  return true;
}

bool ChordTables::erase(const NodeId& node) {
  const auto it = find(node);
  if (it == peers_.end()) return false;
  peers_.erase(it);
  ++revision_;
  return true;
}

void ChordTables::set_suspect(const NodeId& node, bool suspect) {
  const auto it = find(node);
  if (it != peers_.end()) peers_[static_cast<std::size_t>(it - peers_.begin())].suspect = suspect;
}

NeighborLists ChordTables::neighbors() const {
  NeighborLists lists;
  const std::size_t count = std::min(each_side(), peers_.size());
  for (std::size_t i = 0; i < count; ++i) {
    lists.successors.push_back(peers_[i].node);
    lists.predecessors.push_back(peers_[peers_.size() - 1 - i].node);
  }
  return lists;
}

std::optional<NodeId> ChordTables::first_successor() const {
  if (peers_.empty()) return std::nullopt;
  return peers_.front().node;
}

std::optional<NodeId> ChordTables::first_predecessor() const {
  if (peers_.empty()) return std::nullopt;
  return peers_.back().node;
}

Point ChordTables::span() const {
  if (peers_.empty()) return 0;
  const std::size_t count = std::min(kNeighborsEachSide, peers_.size());
  return peers_[count - 1].distance - peers_[peers_.size() - count].distance;
}

std::size_t ChordTables::each_side() const {
  if (peers_.size() <= 2 * kNeighborsEachSide) return kNeighborsEachSide;
  // Six of N peers lie within the span, so N is about 6 * 2^128 / span.
  const std::size_t log_of_count = 128 - bits(span()) + 3;
  return std::clamp(log_of_count / 2, kNeighborsEachSide, limits::kMaxNeighborsEachSide);
}

bool ChordTables::is_neighbor(const NodeId& node) const {
  if (!ring::is_point(node.view()) || node == self_) return false;
  const auto it = lower(distance_to(node));
  const bool known = it != peers_.end() && it->node == node;
  const auto before = static_cast<std::size_t>(it - peers_.begin());
  const std::size_t after = peers_.size() - before - (known ? 1 : 0);
  const std::size_t enough = each_side();
  return before < enough || after < enough;
}

std::vector<NodeId> ChordTables::neighbors_among(const std::vector<NodeId>& wanted) const {
  ChordTables all = *this;
  for (const NodeId& node : wanted) all.insert(node);
  std::vector<NodeId> chosen;
  for (const NodeId& node : wanted) {
    if (all.is_neighbor(node)) chosen.push_back(node);
  }
  return chosen;
}

std::optional<NodeId> ChordTables::next_hop(Point point) const {
  if (peers_.empty()) return std::nullopt;
  const Point distance = ring::distance(here_, point);
  const auto at = lower(distance);  // before it: the peers between this peer and the point
  if (at != peers_.end() && at->distance == distance && !at->suspect) return at->node;
  for (auto it = at; it != peers_.begin();) {
    --it;
    if (!it->suspect) return it->node;
  }
  if (at == peers_.begin()) return peers_.front().node;
  const auto well = std::find_if(at, peers_.cend(), [](const Peer& peer) { return !peer.suspect; });
  return well != peers_.end() ? well->node : std::prev(at)->node;
}

std::optional<NodeId> ChordTables::owner_of(Point point, bool with_self) const {
  const auto at = lower(ring::distance(here_, point));
  if (at != peers_.end() && point != here_) return at->node;
  if (with_self) return self_;
  return first_successor();
}

std::size_t ChordTables::nearer_than(const NodeId& node, Point point) const {
  // [point, node) in distances from this peer, where it may wrap around.
  const Point from = ring::distance(here_, point);
  const Point to = distance_to(node);
  const auto first = static_cast<std::size_t>(lower(from) - peers_.begin());
  const auto last = static_cast<std::size_t>(lower(to) - peers_.begin());
  return from <= to ? last - first : peers_.size() - first + last;
}

unsigned ChordTables::finger_slots() const {
  const std::size_t reach = std::min(each_side(), peers_.size());
  if (reach == 0) return limits::kFingers;
  unsigned slots = limits::kFingers;
  while (slots < limits::kMaxFingers && ring::power_of_two(128 - slots) > peers_[reach - 1].distance) ++slots;
  return slots;
}

Point ChordTables::finger_start(unsigned slot) const { return here_ + ring::power_of_two(128 - slot); }

std::optional<NodeId> ChordTables::finger(unsigned slot) const {
  const auto it = lower(ring::power_of_two(128 - slot));
  if (it == peers_.end() || !in_finger_slot(slot, it->node)) return std::nullopt;
  return it->node;
}

bool ChordTables::in_finger_slot(unsigned slot, const NodeId& node) const {
  const Point start = ring::power_of_two(128 - slot);
  return distance_to(node) - start < start;
}

bool ChordTables::finger_needless(unsigned slot) const {
  if (peers_.size() <= kNeighborsEachSide) return true;
  const Point start = ring::power_of_two(128 - slot);
  return start <= peers_[kNeighborsEachSide - 1].distance ||
         start > peers_[peers_.size() - kNeighborsEachSide].distance;
}

unsigned ChordTables::finger_slot_of(const NodeId& node) const {
  const unsigned slots = finger_slots();
  for (unsigned slot = 1; slot <= slots; ++slot) {
    if (in_finger_slot(slot, node)) return slot;
  }
  return 0;
}

std::vector<NodeId> ChordTables::fingers() const {
  std::vector<NodeId> found;
  const unsigned slots = finger_slots();
  for (unsigned slot = 1; slot <= slots; ++slot) {
    if (const std::optional<NodeId> node = finger(slot)) found.push_back(*node);
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace reload::topology
