// Which users' credentials are to be got next, and when: those that a phone waits for first, then by time.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "reload/base/time.hpp"

namespace reload::security {

class EnrollmentQueue {
 public:
  // From `time` on; what was said of the user before is forgotten.
  void put(const std::string& user, Wall time);
  // Before all others.
  void put_first(const std::string& user) { put(user, Wall::min()); }
  void remove(const std::string& user);
  // The next whose time has come; it is out of the queue then.
  [[nodiscard]] std::optional<std::string> take(Wall now);
  // Nobody's time comes before this: the server is away or has asked for patience.
  void hold_until(Wall time) { held_until_ = time; }
  [[nodiscard]] std::optional<Wall> next_time() const;
  [[nodiscard]] bool contains(const std::string& user) const { return times_.contains(user); }
  [[nodiscard]] std::size_t size() const { return times_.size(); }

 private:
  std::map<std::string, Wall> times_;
  std::set<std::pair<Wall, std::string>> order_;
  Wall held_until_ = Wall::min();
};

}  // namespace reload::security
