// How many lines of one sort go into the log: what others can cause without end must not fill the disk.
#pragma once

#include <cstddef>
#include <utility>

#include "reload/base/time.hpp"

namespace reload::peer {

class LogBudget {
 public:
  // Whether one more line may be written now.
  [[nodiscard]] bool take(Mono now) {
    if (now - since_ >= kPeriod) {
      since_ = now;
      used_ = 0;
    }
    if (used_ == kLines) {
      ++left_out_;
      return false;
    }
    ++used_;
    return true;
  }
  // How many lines were refused since the last call.
  [[nodiscard]] std::size_t left_out() { return std::exchange(left_out_, 0); }

 private:
  static constexpr Duration kPeriod = 10s;
  static constexpr std::size_t kLines = 20;
  Mono since_{};
  std::size_t used_ = 0;
  std::size_t left_out_ = 0;
};

}  // namespace reload::peer
