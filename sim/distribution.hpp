// Random durations and the texts that name them, for latencies and for how long peers stay.
#pragma once

#include <string>
#include <string_view>

#include "reload/base/result.hpp"
#include "reload/base/rng.hpp"
#include "reload/base/time.hpp"

namespace reload::sim {

// "250us", "40ms", "2.5s", "10min", "8h", "1d"; a number alone is seconds.
[[nodiscard]] Result<Duration> parse_duration(std::string_view text);
// As short as it is exact: "1h", "90s", "40ms".
[[nodiscard]] std::string to_text(Duration duration);
// For people: "12.3 s".
[[nodiscard]] std::string in_seconds(Duration duration);

// Exponential with this mean; at least 1 us.
[[nodiscard]] Duration exponential(Duration mean, Rng& rng);

struct Distribution {
  enum class Shape : std::uint8_t { uniform, exponential };
  Shape shape = Shape::uniform;
  Duration low = 5ms;    // the least
  Duration high = 40ms;  // uniform: the most; exponential: the mean above `low`

  [[nodiscard]] Duration draw(Rng& rng) const;
  [[nodiscard]] Duration mean() const { return shape == Shape::uniform ? (low + high) / 2 : low + high; }
  // "40ms" constant, "5ms-40ms" uniform, "5ms+20ms" 5 ms and an exponential part of 20 ms in the mean.
  [[nodiscard]] static Result<Distribution> parse(std::string_view text);
  [[nodiscard]] std::string text() const;
};

}  // namespace reload::sim
