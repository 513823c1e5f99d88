// Seeded generator (splitmix64 into xoshiro256**), integers only: the same seed gives the same run everywhere.
// For the simulator and tests; never for keys.
#pragma once

#include <array>

#include "reload/base/rng.hpp"

namespace reload {

class Prng final : public Rng {
 public:
  explicit Prng(std::uint64_t seed);
  void fill(std::span<std::uint8_t> out) override;
  std::uint64_t next() override;

 private:
  std::array<std::uint64_t, 4> state_{};
};

}  // namespace reload
