#include "reload/messaging/answer_cache.hpp"

#include "reload/base/check.hpp"
#include "reload/base/limits.hpp"

namespace reload::messaging {

std::optional<RequestId> AnswerCache::add(IncomingRequest request, Mono now) {
  drop_expired(now);
  const auto share = by_signer_.find(request.signer);
  if (share != by_signer_.end() && share->second.requests >= limits::kMaxRequestsInPerSigner) return std::nullopt;
  if (requests_.size() >= limits::kMaxRequestsIn && !drop_oldest(answered_)) return std::nullopt;

  const RequestId id{++last_id_};
  const bool added = by_key_.emplace(Key{request.transaction, request.signer}, id).second;
  RELOAD_CHECK(added);
  ++by_signer_[request.signer].requests;
  requests_.emplace_hint(requests_.end(), id, std::move(request));
  return id;
}

IncomingRequest* AnswerCache::find(RequestId id, Mono now) {
  const auto it = requests_.find(id);
  return it == requests_.end() || it->second.expires <= now ? nullptr : &it->second;
}

IncomingRequest* AnswerCache::find(TransactionId transaction, const NodeId& signer, Mono now) {
  drop_expired(now);
  const auto it = by_key_.find(Key{transaction, signer});
  return it == by_key_.end() ? nullptr : find(it->second, now);
}

IncomingRequest* AnswerCache::find_signature(TransactionId transaction, ByteView signature, Mono now) {
  drop_expired(now);
  for (auto it = by_key_.lower_bound(Key{transaction, NodeId{}}); it != by_key_.end(); ++it) {
    if (it->first.first != transaction) break;
    IncomingRequest* request = find(it->second, now);
    if (request != nullptr && equal(request->signature, signature)) return request;
  }
  return nullptr;
}

void AnswerCache::set_answer(RequestId id, SharedBytes answer) {
  const auto it = requests_.find(id);
  if (it == requests_.end()) return;
  RELOAD_CHECK(it->second.answer.empty());
  it->second.answer = std::move(answer);
  ++answers_;
  answer_bytes_ += it->second.answer.size();
  answered_.push_back(id);
  Share& share = by_signer_.at(it->second.signer);
  ++share.answers;
  while (!share.answered.empty() && !requests_.contains(share.answered.front())) share.answered.pop_front();
  share.answered.push_back(id);
  while (answers_ > limits::kMaxCachedAnswers || answer_bytes_ > limits::kMaxCachedAnswerBytes) {
    const bool too_many = share.answers > 1 && share.answers / 2 > limits::kMaxCachedAnswers / by_signer_.size();
    if (!drop_oldest(too_many ? share.answered : answered_)) break;
  }
}

void AnswerCache::remove(RequestId id) {
  const auto it = requests_.find(id);
  if (it == requests_.end()) return;
  const IncomingRequest& request = it->second;
  const auto share = by_signer_.find(request.signer);
  if (!request.answer.empty()) {
    --answers_;
    --share->second.answers;
    answer_bytes_ -= request.answer.size();
  }
  by_key_.erase(Key{request.transaction, request.signer});
  if (--share->second.requests == 0) by_signer_.erase(share);
  requests_.erase(it);
}

void AnswerCache::drop_expired(Mono now) {
  while (!requests_.empty() && requests_.begin()->second.expires <= now) remove(requests_.begin()->first);
  while (!answered_.empty() && !requests_.contains(answered_.front())) answered_.pop_front();
}

bool AnswerCache::drop_oldest(std::deque<RequestId>& answered) {
  while (!answered.empty()) {
    const RequestId id = answered.front();
    answered.pop_front();
    if (!requests_.contains(id)) continue;
    remove(id);
    return true;
  }
  return false;
}

}  // namespace reload::messaging
