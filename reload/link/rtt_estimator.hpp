// RFC 6298 section 2: the retransmission timeout from round-trip samples. On a TCP link (6940 6.6.5) it is used as it
// is, with the minimum of one second, to judge the link; on a datagram link (6.6.3.1) to send again, in milliseconds.
#pragma once

#include <optional>

#include "reload/base/time.hpp"

namespace reload::link {

struct RtoRules {
  Duration first = 1s;  // (2.1) before the first sample
  Duration least = 1s;  // (2.4)
  Duration unit = 1us;  // the clock's granularity, to which the timeout is rounded up
};

class RttEstimator {
 public:
  static constexpr Duration kMaxRto = 60s;

  explicit RttEstimator(const RtoRules& rules = {}) : rules_(rules), rto_(rules.first) {}

  void sample(Duration round_trip);
  [[nodiscard]] Duration rto() const { return rto_; }
  [[nodiscard]] std::optional<Duration> smoothed() const { return smoothed_; }

 private:
  RtoRules rules_;
  std::optional<Duration> smoothed_;
  Duration variation_{};
  Duration rto_;
};

}  // namespace reload::link
