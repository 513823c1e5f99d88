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
  nta_outgoing_t* request = nullptr;
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
  [[nodiscard]] bool finished() const { return finished_; }
  [[nodiscard]] bool is_invite() const { return invite_; }
  [[nodiscard]] Mono started() const { return started_; }
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
  // Ends it whatever is missing; the safety net behind the timers of sofia-sip.
  void give_up(int status, const char* reason);

 private:
  static int on_cancel(Transaction* self, nta_incoming_t* server, const sip_t* sip);
  static int on_response(Branch* branch, nta_outgoing_t* client, const sip_t* sip);
  void response(Branch& branch, int status, Message message);
  void forward(Message message);
  void cancel();
  void cancel_branches();
  void maybe_finish();
  void send_best(Branch& branch);
  void finish(int status);
  void count(int status);
  [[nodiscard]] int outward_status(const Branch& branch) const;

  Context& context_;
  Endpoint& from_;
  nta_incoming_t* server_ = nullptr;
  Message request_;
  const std::string loop_key_;
  const bool invite_;
  const Mono started_;
  std::vector<std::unique_ptr<Branch>> branches_;
  Fork fork_;
  std::size_t expected_ = 0;
  int no_target_status_ = 480;
  const char* no_target_reason_ = "Temporarily Unavailable";
  bool cancelled_ = false;
  bool finished_ = false;
};

// Takes what only concerned this hop off an answer and sends it back where the request came from; for answers without
// a transaction (RFC 3261 16.7 step 10, 16.11).
void forward_stateless(Context& context, Message response);

// The branch parameter of a request sent on: unique, and telling what came in, so that a loop is seen (16.3 step 4).
[[nodiscard]] std::string branch_for(const std::string& loop_key);
[[nodiscard]] std::string loop_key_of(const Context& context, const sip_t* sip);
[[nodiscard]] bool has_looped(const sip_t* sip, const std::string& loop_key);

}  // namespace reload::sip
