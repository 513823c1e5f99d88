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
  rto_ = std::clamp(*smoothed_ + 4 * variation_, kMinRto, kMaxRto);  // (2.4), (2.5)
}

}  // namespace reload::link
