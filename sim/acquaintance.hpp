// Which peers can be expected in one ring while the network is parted. Peers find each other through those they have
// links with, and through bootstrap nodes (6940 10.5, 10.7.4.4). Of a side without a bootstrap node, where some peers
// had links only with peers of the other side, nobody can make one ring: they know no address of one another.
#pragma once

#include <vector>

#include "sim/world.hpp"

namespace reload::sim {

class Acquaintance {
 public:
  explicit Acquaintance(World& world) : world_(world) {}
  // The network was just parted: who had a link before and lives on knows the other's address.
  void note();
  void forget() { links_.clear(); }
  // The running peers that have joined, divided as they can know of each other; each part in the order of the ring.
  [[nodiscard]] std::vector<std::vector<std::size_t>> parts() const;

 private:
  struct Known {
    std::size_t node = 0;
    std::uint64_t life = 0;
    std::size_t other = 0;
    std::uint64_t other_life = 0;
  };
  [[nodiscard]] std::vector<Known> links() const;
  [[nodiscard]] bool is_bootstrap(std::size_t node) const { return node < world_.options().bootstrap_nodes; }

  World& world_;
  std::vector<Known> links_;
};

}  // namespace reload::sim
