// What must hold of the ring: at rest, and where it has been left alone while peers come and go elsewhere.
#pragma once

#include <string>
#include <vector>

#include "sim/acquaintance.hpp"

namespace reload::sim {

// The running peers that have not left, by Node-ID.
[[nodiscard]] std::vector<std::pair<NodeId, std::size_t>> ring_of(World& world);
// Empty when all running peers form one ring: each joined, its nearest predecessor and successor the true ones, and
// responsibility covers all and overlaps nowhere. Else what is wrong, of the first peer found.
[[nodiscard]] std::string ring_fault(World& world);
// Runs the world until its ring has no fault, looked at `every` so often (the look costs more than the events between).
bool becomes_whole(World& world, Duration limit, Duration every = 50ms);
// How many running peers hold the resource's value.
[[nodiscard]] std::size_t holders(World& world, const ResourceId& resource, KindId kind);

// Looks at a ring under churn: two joined peers that have been next to each other for `settled` know it, and where the
// one's range ends the other's begins. A pair that does not at two looks in a row is a fault, counted once; at one look
// it may be that a lost message made a peer doubt the other. On datagram links it may be so for longer. While the
// network is parted, those of one side that can know of each other are a ring of their own.
class RingCheck {
 public:
  RingCheck(World& world, Duration settled);
  void look();
  // The ring is not whole again yet: all pairs count anew from now.
  void forget() { pairs_.clear(); }
  void on_parted();
  void on_healed();

  [[nodiscard]] std::uint64_t pairs_looked_at() const { return looked_; }
  [[nodiscard]] std::uint64_t faults() const { return faults_; }
  [[nodiscard]] const std::string& first_fault() const { return first_; }
  // Of all pairs seen, settled or not, the part that did not know each other: how far the ring is behind its members.
  [[nodiscard]] double unsettled() const {
    return seen_ == 0 ? 0 : static_cast<double>(unaware_) / static_cast<double>(seen_);
  }

 private:
  struct Pair {
    std::size_t successor = 0;
    std::uint64_t life = 0;
    std::uint64_t successor_life = 0;
    Mono since;
    std::optional<Mono> unaware_since;  // at the last look
    bool counted = false;
  };
  void look_at(const std::vector<std::size_t>& ring, std::map<std::size_t, Pair>& pairs);

  World& world_;
  Acquaintance acquaintance_;
  Duration settled_;
  Duration patience_;                  // how long a pair may doubt each other
  std::map<std::size_t, Pair> pairs_;  // by the predecessor
  std::uint64_t looked_ = 0;
  std::uint64_t faults_ = 0;
  std::uint64_t seen_ = 0;
  std::uint64_t unaware_ = 0;
  std::string first_;
};

}  // namespace reload::sim
