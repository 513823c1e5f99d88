// The random source a node is given. OpenSSL's in production (io/system_rng), seeded in the simulator (base/prng).
#pragma once

#include <cstdint>
#include <span>

namespace reload {

class Rng {
 public:
  virtual ~Rng() = default;
  virtual void fill(std::span<std::uint8_t> out) = 0;
  virtual std::uint64_t next() = 0;

  // Uniform in [0, bound); 0 when bound is 0. By rejection, with integers only, so every platform draws the same.
  std::uint64_t below(std::uint64_t bound) {
    if (bound == 0) return 0;
    const std::uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
    std::uint64_t value = next();
    while (value >= limit) value = next();
    return value % bound;
  }
};

}  // namespace reload
