// The virtual network: when and whether what one node sends on a link reaches the other end.
#pragma once

#include <set>

#include "reload/base/prng.hpp"
#include "sim/distribution.hpp"

namespace reload::sim {

struct NetworkOptions {
  Distribution latency;
  unsigned loss_per_mille = 0;  // of messages; links themselves are streams and keep the order of what arrives
};

class Network {
 public:
  Network(NetworkOptions options, Prng& rng) : options_(options), rng_(rng) {}

  [[nodiscard]] Duration latency() { return options_.latency.draw(rng_); }
  [[nodiscard]] bool loses() { return options_.loss_per_mille != 0 && rng_.below(1000) < options_.loss_per_mille; }
  void set_loss(unsigned per_mille) { options_.loss_per_mille = per_mille; }

  // Nodes on different sides of a partition do not reach each other.
  void partition(const std::set<std::size_t>& side) {
    side_.clear();
    if (side.empty()) return;
    side_.resize(*side.rbegin() + 1, false);
    for (const std::size_t node : side) side_[node] = true;
  }
  void heal() { side_.clear(); }
  [[nodiscard]] bool parted() const { return !side_.empty(); }
  [[nodiscard]] bool reaches(std::size_t a, std::size_t b) const { return side(a) == side(b); }
  [[nodiscard]] std::size_t side(std::size_t node) const { return node < side_.size() && side_[node] ? 1 : 0; }

 private:
  NetworkOptions options_;
  Prng& rng_;
  std::vector<bool> side_;
};

}  // namespace reload::sim
