// Requests of this node that wait for their answer, by transaction id, with a timer each (6940 6.2.1).
#pragma once

#include <map>

#include "reload/messaging/effects.hpp"

namespace reload::messaging {

struct OutgoingRequest {
  enum class State : std::uint8_t {
    waiting,  // for its time to be sent as a new transaction, after a configuration was exchanged
    signing,
    sent,
  };
  SendRequest request;  // the body is empty while it is in `contents` or `message`
  State state = State::signing;
  Bytes contents;       // while signing
  SharedBytes message;  // once sent: what every retransmission repeats byte for byte (T15)
  ResourceId fetched;   // of a fetch_req: what its answer's values are signed for
  unsigned sent = 0;
  unsigned repeats = 0;  // as a new transaction
};

class RequestTable {
 public:
  [[nodiscard]] bool full() const;
  [[nodiscard]] OutgoingRequest* find(TransactionId transaction);
  // Precondition: not full, and no request has this id.
  OutgoingRequest& add(TransactionId transaction, OutgoingRequest request);
  // Precondition: there is one.
  OutgoingRequest remove(TransactionId transaction);
  void remove(const Token& token);
  [[nodiscard]] std::vector<TransactionId> waiting() const;

  // At most one timer a request; setting it again moves it.
  void set_timer(TransactionId transaction, Mono at);
  void stop_timer(TransactionId transaction);
  [[nodiscard]] std::optional<Mono> next_deadline() const;
  // The next request whose timer is due; the timer is then off.
  [[nodiscard]] std::optional<TransactionId> pop_due(Mono now);

 private:
  using Timers = std::multimap<Mono, TransactionId>;
  struct Entry {
    OutgoingRequest request;
    std::optional<Timers::iterator> timer;
  };
  void clear_timer(Entry& entry);

  std::map<TransactionId, Entry> requests_;
  Timers timers_;
};

}  // namespace reload::messaging
