// First contact (6940 11.4): former neighbours, then bootstrap nodes, each in random order, until a link to one is up;
// again, with growing pauses, while none answers. An ordinary node never starts a ring of its own.
#pragma once

#include "reload/messaging/handler.hpp"

namespace reload::bootstrap {

enum class State : std::uint8_t { idle, connecting, pausing, connected };

// What a contact is wanted for. Another ring than one's own (6940 10.7.4.4) is not found through former neighbours.
enum class Purpose : std::uint8_t { join, look };

class Bootstrap {
 public:
  Bootstrap(std::vector<wire::IpAddressPort> nodes, std::vector<wire::IpAddressPort> former_neighbors);

  // A link to some bootstrap node is wanted; no effect while one is being made.
  void begin(Purpose purpose, messaging::Context& context);
  // The link asked for by take_open is up; or it is not to be had, or led nowhere: the next node's turn.
  void on_link(const NodeId& node);
  void on_failed(messaging::Context& context);
  // No bootstrap node is needed any more: back to idle.
  void reset();
  void on_timer(messaging::Context& context);
  [[nodiscard]] std::optional<Mono> next_deadline() const;

  // The address to open a link to now, once for each attempt.
  [[nodiscard]] std::optional<wire::IpAddressPort> take_open();
  // How many nodes a whole round has tried in vain, once for each such round.
  [[nodiscard]] std::optional<std::size_t> take_round_failed();
  [[nodiscard]] State state() const { return state_; }

 private:
  void try_next(messaging::Context& context);
  void add_in_random_order(const std::vector<wire::IpAddressPort>& nodes, messaging::Context& context);

  std::vector<wire::IpAddressPort> nodes_;
  std::vector<wire::IpAddressPort> former_neighbors_;
  std::vector<wire::IpAddressPort> left_;  // of this round, the next one last
  std::optional<wire::IpAddressPort> open_;
  std::optional<std::size_t> round_failed_;
  std::size_t tried_ = 0;  // in this round
  std::optional<Mono> resume_at_;
  Duration pause_;
  Purpose purpose_ = Purpose::join;
  State state_ = State::idle;
};

}  // namespace reload::bootstrap
