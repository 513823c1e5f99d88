#include "reload/link/rtt_estimator.hpp"

#include <algorithm>

namespace reload::link {

void RttEstimator::sample(Duration round_trip) {
  if (!smoothed_) {  // (2.2)
    smoothed_ = round_trip;
    variation_ = round_trip / 2;
  } else {  // (2.3)
    const Duration error = std::chrono::abs(*smoothed_ - round_trip);
    variation_ = (3 * variation_ + error) / 4;
    smoothed_ = (7 * *smoothed_ + round_trip) / 8;
  }
  const Duration exact = *smoothed_ + std::max(rules_.unit, 4 * variation_);
  const Duration rounded = (exact + rules_.unit - Duration(1)) / rules_.unit * rules_.unit;
  rto_ = std::clamp(rounded, rules_.least, kMaxRto);  // (2.4), (2.5)
}

}  // namespace reload::link
