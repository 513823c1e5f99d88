// A table shared by many users of it: nobody gets more places than are left free at that moment. One user alone gets at
// most half of the table, and a few that want all of it leave room for those that want little.
#pragma once

#include <map>

#include "reload/base/check.hpp"

namespace reload {

template <class User>
class FairShare {
 public:
  explicit FairShare(std::size_t places) : free_(places) {}

  // False, and nothing is taken: it would have more than its share.
  [[nodiscard]] bool take(const User& user, std::size_t places = 1) {
    const auto it = taken_.find(user);
    const std::size_t more = (it == taken_.end() ? 0 : it->second) + places;
    if (more > free_) return false;
    free_ -= places;
    taken_[user] = more;
    return true;
  }
  // Precondition: it has so many.
  void give_back(const User& user, std::size_t places = 1) {
    const auto it = taken_.find(user);
    RELOAD_CHECK(it != taken_.end() && it->second >= places);
    it->second -= places;
    if (it->second == 0) taken_.erase(it);
    free_ += places;
  }

 private:
  std::size_t free_;
  std::map<User, std::size_t> taken_;  // without zeros
};

}  // namespace reload
