// The virtual network: when and whether what one node sends on a link reaches the other end.
#pragma once

#include <set>

#include "reload/base/prng.hpp"
#include "reload/base/time.hpp"

namespace reload::sim {

struct NetworkOptions {
  Duration latency_min = 5ms;
  Duration latency_max = 40ms;
  unsigned loss_per_mille = 0;  // of messages; links themselves are streams and keep the order of what arrives
};

class Network {
 public:
  Network(NetworkOptions options, Prng& rng) : options_(options), rng_(rng) {}

  [[nodiscard]] Duration latency() {
    const auto span = static_cast<std::uint64_t>((options_.latency_max - options_.latency_min).count());
    return options_.latency_min + Duration(static_cast<std::int64_t>(rng_.below(span + 1)));
  }
  [[nodiscard]] bool loses() { return options_.loss_per_mille != 0 && rng_.below(1000) < options_.loss_per_mille; }
  void set_loss(unsigned per_mille) { options_.loss_per_mille = per_mille; }

  // Nodes on different sides of a partition do not reach each other.
  void partition(std::set<std::size_t> side) { side_ = std::move(side); }
  void heal() { side_.clear(); }
  [[nodiscard]] bool reaches(std::size_t a, std::size_t b) const { return side_.contains(a) == side_.contains(b); }

 private:
  NetworkOptions options_;
  Prng& rng_;
  std::set<std::size_t> side_;
};

}  // namespace reload::sim
