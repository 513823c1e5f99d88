// First contact (6940 11.4): bootstrap nodes in random order until a link to one is up; again, with growing pauses,
// while none answers. An ordinary node never starts a ring of its own.
#pragma once

#include "reload/messaging/handler.hpp"

namespace reload::bootstrap {

enum class State : std::uint8_t { idle, connecting, pausing, connected };

class Bootstrap {
 public:
  explicit Bootstrap(std::vector<wire::IpAddressPort> nodes);

  // A link to some bootstrap node is wanted; no effect while one is being made.
  void begin(messaging::Context& context);
  // The link asked for by take_open is up; or it is not to be had, or led nowhere: the next node's turn.
  void on_link(const NodeId& node);
  void on_failed(messaging::Context& context);
  // No bootstrap node is needed any more: back to idle.
  void reset();
  void on_timer(messaging::Context& context);
  [[nodiscard]] std::optional<Mono> next_deadline() const;

  // The address to open a link to now, once for each attempt.
  [[nodiscard]] std::optional<wire::IpAddressPort> take_open();
  [[nodiscard]] State state() const { return state_; }

 private:
  void try_next(messaging::Context& context);

  std::vector<wire::IpAddressPort> nodes_;
  std::vector<wire::IpAddressPort> left_;  // of this round, in random order
  std::optional<wire::IpAddressPort> open_;
  std::optional<Mono> resume_at_;
  Duration pause_;
  State state_ = State::idle;
};

}  // namespace reload::bootstrap
