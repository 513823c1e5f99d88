#include "reload/link/ack_window.hpp"

namespace reload::link {

std::uint32_t AckWindow::receive(std::uint32_t sequence) {
  std::uint32_t mask = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    const std::uint32_t behind = sequence - last_[i];
    if (behind > 0 && behind < 32) mask |= std::uint32_t{1} << behind;
  }
  last_[next_] = sequence;
  next_ = (next_ + 1) % last_.size();
  if (count_ < last_.size()) ++count_;
  return mask;
}

}  // namespace reload::link
