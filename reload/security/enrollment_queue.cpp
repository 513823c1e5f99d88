#include "reload/security/enrollment_queue.hpp"

#include <algorithm>

namespace reload::security {

void EnrollmentQueue::put(const std::string& user, Wall time) {
  remove(user);
  times_.emplace(user, time);
  order_.emplace(time, user);
}

void EnrollmentQueue::remove(const std::string& user) {
  const auto found = times_.find(user);
  if (found == times_.end()) return;
  order_.erase({found->second, user});
  times_.erase(found);
}

std::optional<std::string> EnrollmentQueue::take(Wall now) {
  const auto next = next_time();
  if (!next || *next > now) return std::nullopt;
  const std::string user = order_.begin()->second;
  remove(user);
  return user;
}

std::optional<Wall> EnrollmentQueue::next_time() const {
  if (order_.empty()) return std::nullopt;
  return std::max(order_.begin()->first, held_until_);
}

}  // namespace reload::security
