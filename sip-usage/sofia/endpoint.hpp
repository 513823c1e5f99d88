// One nta agent: its transports, and the requests and responses that belong to no transaction. The SIP side has two:
// one for phones, one whose only listener is private and only talks to the relays of pipe_bridge. So a message from a
// peer can't be mistaken for one from a phone.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "reload/base/result.hpp"
#include "sip-usage/bindings.hpp"
#include "sip-usage/sofia/service.hpp"
#include "sip-usage/sofia/sofia.hpp"

namespace reload::sip {

class Endpoint {
 public:
  enum class Role : std::uint8_t { phones, peers };
  struct Handlers {
    std::function<void(Endpoint&, Message)> request;
    std::function<void(Endpoint&, Message)> response;
  };

  // Listens on UDP and TCP at each address for phones, on TCP only for peers. `idle` is how long a connection may be
  // quiet. The error names the address that can't be had.
  static Result<std::unique_ptr<Endpoint>> create(su_root_t* root, Role role, const std::vector<ListenAddress>& listen,
                                                  Duration idle, Handlers handlers);
  ~Endpoint();
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  [[nodiscard]] Role role() const { return role_; }
  [[nodiscard]] nta_agent_t* agent() const { return agent_; }
  [[nodiscard]] const std::vector<ListenAddress>& listening() const { return listening_; }
  // sofia-sip's name for a listener. It keeps the pointer with each request it sends.
  [[nodiscard]] const char* ident(std::size_t listener) const { return idents_.at(listener).c_str(); }

  // Where a received message came from.
  [[nodiscard]] Flow source(const msg_t* message) const;
  [[nodiscard]] tport_t* transport(const msg_t* message) const;
  // True while the connection that `flow` names is open.
  [[nodiscard]] bool connected(const Flow& flow) const;

 private:
  explicit Endpoint(Role role, Handlers handlers) : role_(role), handlers_(std::move(handlers)) {}
  Result<bool> listen(su_root_t* root, const ListenAddress& address, Duration idle);
  static int received(Endpoint* self, nta_agent_t* agent, msg_t* message, sip_t* sip);

  const Role role_;
  const Handlers handlers_;
  nta_agent_t* agent_ = nullptr;
  std::vector<ListenAddress> listening_;
  std::deque<std::string> idents_;
};

// `address` as it stands in a URI: an IPv6 address in brackets.
[[nodiscard]] std::string uri_host(const std::string& address);

}  // namespace reload::sip
