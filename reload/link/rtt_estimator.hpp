// RFC 6298 section 2: the retransmission timeout from round-trip samples. 6940 6.6.5 uses it as it is, with the
// minimum of one second, to judge a TCP link; nothing is retransmitted.
#pragma once

#include <optional>

#include "reload/base/time.hpp"

namespace reload::link {

class RttEstimator {
 public:
  static constexpr Duration kMinRto = 1s;
  static constexpr Duration kMaxRto = 60s;

  void sample(Duration round_trip);
  [[nodiscard]] Duration rto() const { return rto_; }
  [[nodiscard]] std::optional<Duration> smoothed() const { return smoothed_; }

 private:
  std::optional<Duration> smoothed_;
  Duration variation_{};
  Duration rto_ = kMinRto;  // (2.1): one second before the first sample
};

}  // namespace reload::link
