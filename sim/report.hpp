// A report in words, and as JSON for plots.
#pragma once

#include "sim/experiment.hpp"

namespace reload::sim {

// What running it cost.
struct Cost {
  double wall_seconds = 0;
  double cpu_seconds = 0;
  std::uint64_t peak_resident_bytes = 0;
};

[[nodiscard]] std::string to_text(const Report& report, const Cost& cost);
[[nodiscard]] std::string to_json(const Report& report, const Cost& cost);
// The value below which this part (0 to 1) of the numbers lies; 0 of none.
[[nodiscard]] std::uint32_t percentile(std::vector<std::uint32_t> numbers, double part);

}  // namespace reload::sim
