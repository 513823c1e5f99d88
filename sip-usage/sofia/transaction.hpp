// One request on its way through the proxy (RFC 3261 16): a server transaction, a client transaction for each target,
// and the rule which answer goes back. It starts without targets; they are added as they become known, and the best
// answer is sent when all have answered and no more are expected.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sip-usage/fork.hpp"
#include "sip-usage/sofia/context.hpp"

namespace reload::sip {

struct Branch {
  Transaction* transaction = nullptr;
  std::size_t number = 0;
  Endpoint* to = nullptr;  // where it was sent, and how; null for one that failed before
  std::string route;
  std::size_t listener = 0;
  std::string key;  // of the topmost Via
  nta_outgoing_t* request = nullptr;
  bool provisional = false;  // a CANCEL may only follow a provisional answer (RFC 3261 9.1)
  bool cancel_wanted = false;
  bool cancel_sent = false;
  Message answer;  // the final one
  int status = 0;
  bool to_phone = false;
};

class Transaction {
 public:
  // Takes the request over. `request` is what is copied to each branch.
  Transaction(Context& context, Endpoint& from, Message received, Message request, std::string loop_key);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  // False when the server transaction could not be made; the request was refused then.
  [[nodiscard]] bool ok() const { return server_ != nullptr; }
  // Nothing more can come: it was answered, and all branches have ended too.
  [[nodiscard]] bool over() const { return finished_ && (fork_.all_finished() || abandoned_); }
  // Something that must be done for each branch's copy before it is sent.
  using Edit = std::function<void(msg_t*)>;

  // Between these, targets may still come.
  void expect() { ++expected_; }
  void arrived();

  void send(Endpoint& to, const std::string& route, std::size_t listener, const Edit& edit);
  // A target that failed before anything was sent.
  void fail_branch(int status);
  // The answer when there was no target at all.
  void when_no_target(int status, const char* reason);
  // Answers it whatever is missing.
  void give_up(int status, const char* reason);
  // The safety net behind the timers of sofia-sip and behind phones that never answer a CANCEL.
  void tick(Mono now);

 private:
  static int on_cancel(Transaction* self, nta_incoming_t* server, const sip_t* sip);
  static int on_response(Branch* branch, nta_outgoing_t* client, const sip_t* sip);
  void response(Branch& branch, int status, Message message);
  void forward(Message message);
  void cancel();
  void cancel_branches();
  static void send_cancel(Branch& branch);
  void maybe_finish();
  void send_best(Branch& branch);
  void finish(int status);
  void count(int status);
  [[nodiscard]] int outward_status(const Branch& branch) const;

  Context& context_;
  nta_incoming_t* server_ = nullptr;
  Message request_;
  const std::string loop_key_;
  const bool invite_;
  std::vector<std::unique_ptr<Branch>> branches_;
  Fork fork_;
  std::size_t expected_ = 0;
  int no_target_status_ = 480;
  const char* no_target_reason_ = "Temporarily Unavailable";
  bool cancelled_ = false;
  bool finished_ = false;
  bool abandoned_ = false;
  Mono deadline_;
};

// Takes what only concerned this hop off an answer and sends it back where the request came from; for answers without
// a transaction (RFC 3261 16.7 step 10, 16.11).
void forward_stateless(Context& context, Message response);

// The branch parameter of a request sent on: unique, and telling what came in, so that a loop is seen (16.3 step 4).
[[nodiscard]] std::string branch_for(const std::string& loop_key);
[[nodiscard]] std::string loop_key_of(const Context& context, const sip_t* sip);
[[nodiscard]] bool has_looped(const sip_t* sip, const std::string& loop_key);

}  // namespace reload::sip
