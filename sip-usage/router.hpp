// For each request but REGISTER, one decision: whom it goes to, or how it is refused.
#pragma once

#include <optional>
#include <string>

#include "sip-usage/aor.hpp"

namespace reload::sip {

// The few facts of a SIP request that the decision needs.
struct RequestFacts {
  bool from_peer = false;          // came over an application connection
  bool ack = false;                // never challenged and never answered (RFC 3261 22.1)
  bool own_route = false;          // a Route of ours stood on top, with a token that this node made for the dialog
  std::optional<Aor> target;       // the Request-URI as an address of record, our own addresses read as the overlay's
  bool target_served = false;      // its domain is one of the overlay's
  bool from_served = false;        // the From claims an address of the overlay
  bool from_proven = false;        // and the credentials in the request are that user's
  bool credentials_wrong = false;  // there are credentials, and they are not that user's
};

struct RoutePolicy {
  bool anonymous_calls = true;
};

enum class RouteAction : std::uint8_t {
  in_dialog,          // to the next Route, else to the Request-URI
  local,              // to the phones of the address that are here
  local_and_overlay,  // to these, and to the peers where the address is registered
  challenge,          // 407
  refuse,             // with `status`
  drop,               // an ACK that leads nowhere
};

struct RouteDecision {
  RouteAction action = RouteAction::drop;
  int status = 0;
  const char* reason = "";
  bool stranger = false;  // counts against the rate of strangers

  friend bool operator==(const RouteDecision& a, const RouteDecision& b) {
    return a.action == b.action && a.status == b.status && a.stranger == b.stranger;
  }
};

[[nodiscard]] RouteDecision route(const RequestFacts& facts, const RoutePolicy& policy);

}  // namespace reload::sip
