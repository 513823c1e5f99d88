// Time as the core sees it: two numbers handed in with every input. No function here returns the time; only
// reload/io/system_clock does (tools/tidy.py checks).
#pragma once

#include <chrono>
#include <cstdint>

namespace reload {

using namespace std::chrono_literals;

using Duration = std::chrono::microseconds;

struct MonoTag {};
struct WallTag {};
using Mono = std::chrono::time_point<MonoTag, Duration>;  // elapsed time, for timers
using Wall = std::chrono::time_point<WallTag, Duration>;  // since 1970-01-01 UTC, for storage times and certificates

struct Now {
  Mono mono;
  Wall wall;
};

// Milliseconds since 1970, the unit of every time field of RFC 6940 (storage_time, PingAns.time).
[[nodiscard]] constexpr std::uint64_t to_wire_ms(Wall time) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count());
}
[[nodiscard]] constexpr Wall from_unix_seconds(std::int64_t seconds) { return Wall(std::chrono::seconds(seconds)); }
[[nodiscard]] constexpr std::int64_t to_unix_seconds(Wall time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

}  // namespace reload
