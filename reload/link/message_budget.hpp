// How many messages a link may bring: so many a second, and a burst that was saved up before.
#pragma once

#include <algorithm>

#include "reload/base/limits.hpp"
#include "reload/base/time.hpp"

namespace reload::link {

class MessageBudget {
 public:
  // Counts one message; whether it is within the budget.
  [[nodiscard]] bool take(Mono now) {
    full_at_ = std::max(full_at_, now);
    if (full_at_ - now > kBurst - kEach) return false;
    full_at_ += kEach;
    return true;
  }

 private:
  static constexpr Duration kEach = Duration(1s) / limits::kLinkMessagesPerSecond;
  static constexpr Duration kBurst = kEach * limits::kLinkMessageBurst;
  Mono full_at_{};  // when all of the burst will be there again
};

}  // namespace reload::link
