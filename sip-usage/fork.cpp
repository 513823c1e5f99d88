#include "sip-usage/fork.hpp"

#include <algorithm>

namespace reload::sip {

namespace {

// Smaller is better.
int rank(int status) {
  const int kind = status / 100;
  if (kind == 6) return 0;
  int within = 1;
  switch (status) {
    case 401:
    case 407:
    case 415:
    case 420:
    case 484:
      within = 0;
      break;
    case 404:
    case 410:
    case 480:
    case 503:
      within = 2;
      break;
    case 408:
    case 487:
      within = 3;
      break;
    default:
      break;
  }
  return kind * 10 + within;
}

}  // namespace

std::size_t Fork::add() {
  finals_.push_back(0);
  return finals_.size() - 1;
}

void Fork::finish(std::size_t branch, int status) {
  if (finals_[branch] == 0) finals_[branch] = status;
}

bool Fork::all_finished() const {
  return std::none_of(finals_.begin(), finals_.end(), [](int status) { return status == 0; });
}

std::optional<std::size_t> Fork::best() const {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < finals_.size(); ++i)
    if (finals_[i] != 0 && (!best || rank(finals_[i]) < rank(finals_[*best]))) best = i;
  return best;
}

}  // namespace reload::sip
