// Passwords as they are kept: argon2id with its parameters and salt in the text, so that later ones may cost more.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "reload/base/result.hpp"

namespace reload::certs {

// OWASP's least for argon2id: 19 MiB, two passes, one lane; some 22 ms of a core of 2020.
inline constexpr unsigned kHashKib = 19456;
inline constexpr unsigned kHashPasses = 2;
inline constexpr unsigned kHashLanes = 1;

[[nodiscard]] Result<std::string> hash_password(std::string_view password);
// Compares the bytes (6940 11.3) in a time that does not tell how many are right. A failure: nothing could be compared.
[[nodiscard]] Result<bool> verify_password(const std::string& hash, std::string_view password);

// Why a password cannot be taken; none if it can.
[[nodiscard]] std::optional<std::string> fault_of_password(std::string_view password);

// So many at work at once, each with its 19 MiB, and so many waiting for their turn; further ones are sent away.
class WorkGate {
 public:
  WorkGate(std::size_t at_work, std::size_t waiting) : free_(at_work), may_wait_(waiting) {}

  class Turn {
   public:
    explicit Turn(WorkGate* gate) : gate_(gate) {}
    Turn(Turn&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
    Turn& operator=(Turn&&) = delete;
    ~Turn() {
      if (gate_ != nullptr) gate_->leave();
    }

   private:
    WorkGate* gate_;
  };
  // Blocks until it is this one's turn; none if too many wait already.
  [[nodiscard]] std::optional<Turn> enter();

 private:
  void leave();

  std::mutex mutex_;
  std::condition_variable freed_;
  std::size_t free_;
  std::size_t may_wait_;
};

}  // namespace reload::certs
