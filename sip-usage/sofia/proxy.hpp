// Every request but REGISTER: who sent it, what router.cpp says about it, and where it goes.
#pragma once

#include <list>
#include <memory>
#include <set>

#include "sip-usage/router.hpp"
#include "sip-usage/sofia/dialog_route.hpp"
#include "sip-usage/sofia/transaction.hpp"

namespace reload::sip {

class Proxy {
 public:
  explicit Proxy(Context& context);

  void request(Endpoint& from, Message message);
  void response(Message message) { forward_stateless(context_, std::move(message)); }
  void tick();
  // Answers 503 to all that is under way.
  void stop();

 private:
  // How one request travels on: with a transaction of its own, or an ACK without.
  struct Onward;

  [[nodiscard]] RequestFacts facts_of(Endpoint& from, const sip_t* sip, const TakenRoute& route);
  void refuse(Endpoint& from, Message message, int status, const char* reason);
  void challenge(Endpoint& from, Message message, bool stale);
  void start(Endpoint& from, Message message, Message copy, const RouteDecision& decision, const TakenRoute& route,
             std::optional<Aor> target, const std::string& loop_key);

  static void to_phones(const std::shared_ptr<Onward>& onward, const std::string& aor);
  static void to_overlay(const std::shared_ptr<Onward>& onward, const Aor& aor);
  static void to_node(const std::shared_ptr<Onward>& onward, const Target& target, bool new_uri);
  static void to_uri(const std::shared_ptr<Onward>& onward, const std::string& uri);
  void bury();

  Context& context_;
  RateLimiter strangers_;
  bool stale_ = false;  // of the credentials facts_of() saw last
  std::list<std::shared_ptr<Transaction>> transactions_;
};

}  // namespace reload::sip
