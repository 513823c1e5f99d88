#include "reload/bootstrap/bootstrap.hpp"

#include <algorithm>

#include "reload/base/limits.hpp"

namespace reload::bootstrap {

Bootstrap::Bootstrap(std::vector<wire::IpAddressPort> nodes)
    : nodes_(std::move(nodes)), pause_(limits::kFirstBootstrapPause) {}

void Bootstrap::begin(messaging::Context& context) {
  if (state_ != State::idle || nodes_.empty()) return;
  left_.clear();
  try_next(context);
}

void Bootstrap::try_next(messaging::Context& context) {
  if (left_.empty()) {
    left_ = nodes_;
    for (std::size_t i = left_.size(); i > 1; --i) std::swap(left_[i - 1], left_[context.rng.below(i)]);
  }
  open_ = left_.back();
  left_.pop_back();
  state_ = State::connecting;
}

void Bootstrap::on_link(const NodeId&) { state_ = State::connected; }

void Bootstrap::on_failed(messaging::Context& context) {
  if (state_ != State::connecting && state_ != State::connected) return;
  if (!left_.empty()) return try_next(context);
  // A whole round failed. The jitter keeps nodes that started together from coming back together.
  state_ = State::pausing;
  const auto jitter = static_cast<std::int64_t>(context.rng.below(static_cast<std::uint64_t>(pause_.count() / 2 + 1)));
  resume_at_ = context.now.mono + pause_ + Duration(jitter);
  pause_ = std::min(pause_ * 2, limits::kLastBootstrapPause);
}

void Bootstrap::reset() {
  state_ = State::idle;
  pause_ = limits::kFirstBootstrapPause;
  resume_at_.reset();
  open_.reset();
}

void Bootstrap::on_timer(messaging::Context& context) {
  if (!resume_at_ || *resume_at_ > context.now.mono) return;
  resume_at_.reset();
  try_next(context);
}

std::optional<Mono> Bootstrap::next_deadline() const { return resume_at_; }

std::optional<wire::IpAddressPort> Bootstrap::take_open() { return std::exchange(open_, std::nullopt); }

}  // namespace reload::bootstrap
