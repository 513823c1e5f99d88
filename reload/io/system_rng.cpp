#include "reload/io/system_rng.hpp"

#include <openssl/rand.h>

#include <array>
#include <bit>

#include "reload/base/check.hpp"

namespace reload::io {

void SystemRng::fill(std::span<std::uint8_t> out) {
  // Without randomness no transaction id and no key is safe: there is nothing to go on with.
  RELOAD_CHECK(RAND_bytes(out.data(), static_cast<int>(out.size())) == 1);
}

std::uint64_t SystemRng::next() {
  std::array<std::uint8_t, sizeof(std::uint64_t)> bytes;
  fill(bytes);
  return std::bit_cast<std::uint64_t>(bytes);
}

}  // namespace reload::io
