#include "reload/messaging/request_table.hpp"

#include "reload/base/check.hpp"
#include "reload/base/limits.hpp"

namespace reload::messaging {

bool RequestTable::full() const { return requests_.size() >= limits::kMaxRequestsOut; }

OutgoingRequest* RequestTable::find(TransactionId transaction) {
  const auto it = requests_.find(transaction);
  return it == requests_.end() ? nullptr : &it->second.request;
}

OutgoingRequest& RequestTable::add(TransactionId transaction, OutgoingRequest request) {
  const auto [it, added] = requests_.try_emplace(transaction, Entry{std::move(request), std::nullopt});
  RELOAD_CHECK(added);
  return it->second.request;
}

OutgoingRequest RequestTable::remove(TransactionId transaction) {
  const auto it = requests_.find(transaction);
  RELOAD_CHECK(it != requests_.end());
  clear_timer(it->second);
  OutgoingRequest request = std::move(it->second.request);
  requests_.erase(it);
  return request;
}

void RequestTable::remove(const Token& token) {
  for (auto it = requests_.begin(); it != requests_.end();) {
    const TransactionId transaction = it->first;
    const bool meant = it->second.request.request.token == token;
    ++it;
    if (meant) remove(transaction);
  }
}

std::vector<TransactionId> RequestTable::waiting() const {
  std::vector<TransactionId> found;
  for (const auto& [transaction, entry] : requests_) {
    if (entry.request.state == OutgoingRequest::State::waiting) found.push_back(transaction);
  }
  return found;
}

void RequestTable::set_timer(TransactionId transaction, Mono at) {
  stop_timer(transaction);
  requests_.find(transaction)->second.timer = timers_.emplace(at, transaction);
}

void RequestTable::stop_timer(TransactionId transaction) {
  const auto it = requests_.find(transaction);
  RELOAD_CHECK(it != requests_.end());
  clear_timer(it->second);
}

std::optional<Mono> RequestTable::next_deadline() const {
  if (timers_.empty()) return std::nullopt;
  return timers_.begin()->first;
}

std::optional<TransactionId> RequestTable::pop_due(Mono now) {
  if (timers_.empty() || timers_.begin()->first > now) return std::nullopt;
  const TransactionId transaction = timers_.begin()->second;
  clear_timer(requests_.find(transaction)->second);
  return transaction;
}

void RequestTable::clear_timer(Entry& entry) {
  if (entry.timer) timers_.erase(*entry.timer);
  entry.timer.reset();
}

}  // namespace reload::messaging
