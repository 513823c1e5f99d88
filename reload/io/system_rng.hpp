// OpenSSL's generator: the only source of real randomness.
#pragma once

#include "reload/base/rng.hpp"

namespace reload::io {

class SystemRng final : public Rng {
 public:
  void fill(std::span<std::uint8_t> out) override;
  std::uint64_t next() override;
};

}  // namespace reload::io
