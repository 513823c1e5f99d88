// Requests received within the life of a request: those being worked on, and the answers of the others, so that a
// repeated request is answered alike and nothing is done twice (6940 6.2.1).
#pragma once

#include <deque>
#include <map>

#include "reload/base/strong.hpp"
#include "reload/base/time.hpp"
#include "reload/messaging/headers.hpp"
#include "reload/wire/types.hpp"

namespace reload::messaging {

struct IncomingRequest {
  TransactionId transaction = 0;
  NodeId signer;
  Bytes signature;  // its value: a repeat has the same and needs no second check
  wire::MessageCode code = wire::MessageCode::invalid;
  ReturnPath path;  // of the latest repeat
  Mono expires;
  bool answering = false;  // an answer was given and is being signed, or is there
  SharedBytes answer;      // contents and security block
};

class AnswerCache {
 public:
  // Nothing when the table is full of unanswered requests or the signer has used up its share.
  [[nodiscard]] std::optional<RequestId> add(IncomingRequest request, Mono now);
  [[nodiscard]] IncomingRequest* find(RequestId id, Mono now);
  [[nodiscard]] IncomingRequest* find(TransactionId transaction, const NodeId& signer, Mono now);
  [[nodiscard]] IncomingRequest* find_signature(TransactionId transaction, ByteView signature, Mono now);
  // Keeps the answer, when there are too many at the cost of the same signer's oldest one if it has more of them than
  // two equal shares, else of the oldest of all.
  void set_answer(RequestId id, SharedBytes answer);
  void remove(RequestId id);
  [[nodiscard]] std::size_t size() const { return requests_.size(); }

 private:
  using Key = std::pair<TransactionId, NodeId>;
  struct Share {
    std::size_t requests = 0;
    std::size_t answers = 0;
    std::deque<RequestId> answered;  // oldest first; may name removed ones
  };

  void drop_expired(Mono now);
  bool drop_oldest(std::deque<RequestId>& answered);

  std::map<RequestId, IncomingRequest> requests_;  // in the order they came
  std::map<Key, RequestId> by_key_;
  std::map<NodeId, Share> by_signer_;
  std::deque<RequestId> answered_;  // oldest first; may name removed ones
  std::size_t answers_ = 0;
  std::size_t answer_bytes_ = 0;
  std::uint64_t last_id_ = 0;
};

}  // namespace reload::messaging
