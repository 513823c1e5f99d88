#include "reload/bootstrap/bootstrap.hpp"

#include <algorithm>

#include "reload/base/limits.hpp"

namespace reload::bootstrap {

Bootstrap::Bootstrap(std::vector<wire::IpAddressPort> nodes, std::vector<wire::IpAddressPort> former_neighbors)
    : nodes_(std::move(nodes)), former_neighbors_(std::move(former_neighbors)), pause_(limits::kFirstBootstrapPause) {
  std::erase_if(former_neighbors_,
                [this](const auto& node) { return std::ranges::find(nodes_, node) != nodes_.end(); });
}

void Bootstrap::begin(Purpose purpose, messaging::Context& context) {
  if (purpose_ != purpose) round_failed_.reset();
  purpose_ = purpose;
  if (state_ != State::idle || (nodes_.empty() && (purpose == Purpose::look || former_neighbors_.empty()))) return;
  left_.clear();
  try_next(context);
}

void Bootstrap::add_in_random_order(const std::vector<wire::IpAddressPort>& nodes, messaging::Context& context) {
  const std::size_t first = left_.size();
  left_.insert(left_.end(), nodes.begin(), nodes.end());
  for (std::size_t i = left_.size(); i > first + 1; --i)
    std::swap(left_[i - 1], left_[first + context.rng.below(i - first)]);
}

void Bootstrap::try_next(messaging::Context& context) {
  if (left_.empty()) {
    tried_ = 0;
    add_in_random_order(nodes_, context);
    if (purpose_ == Purpose::join) add_in_random_order(former_neighbors_, context);
  }
  ++tried_;
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
  round_failed_ = tried_;
  const auto jitter = static_cast<std::int64_t>(context.rng.below(static_cast<std::uint64_t>(pause_.count() / 2 + 1)));
  resume_at_ = context.now.mono + pause_ + Duration(jitter);
  pause_ = std::min(pause_ * 2, limits::kLastBootstrapPause);
}

void Bootstrap::reset() {
  state_ = State::idle;
  pause_ = limits::kFirstBootstrapPause;
  resume_at_.reset();
  open_.reset();
  round_failed_.reset();
}

void Bootstrap::on_timer(messaging::Context& context) {
  if (!resume_at_ || *resume_at_ > context.now.mono) return;
  resume_at_.reset();
  try_next(context);
}

std::optional<Mono> Bootstrap::next_deadline() const { return resume_at_; }

std::optional<wire::IpAddressPort> Bootstrap::take_open() { return std::exchange(open_, std::nullopt); }

std::optional<std::size_t> Bootstrap::take_round_failed() { return std::exchange(round_failed_, std::nullopt); }

}  // namespace reload::bootstrap
