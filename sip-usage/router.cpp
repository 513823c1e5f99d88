#include "sip-usage/router.hpp"

namespace reload::sip {

RouteDecision route(const RequestFacts& facts, const RoutePolicy& policy) {
  const auto refuse = [&](int status, const char* reason) {
    return facts.ack ? RouteDecision{} : RouteDecision{RouteAction::refuse, status, reason};
  };
  // The token proves that the dialog was set up through this node, by someone who was let in then.
  if (facts.own_route) return {RouteAction::in_dialog};
  if (!facts.target) return refuse(404, "No Such Address");
  if (!facts.target_served) return refuse(403, "Domain Not Served");
  // What comes from a peer was resolved there; to resolve again could send it round in a circle.
  if (facts.from_peer) return {RouteAction::local};
  if (facts.ack) return {RouteAction::local_and_overlay};
  if (facts.from_served) {
    if (facts.from_proven) return {RouteAction::local_and_overlay};
    if (facts.credentials_wrong) return refuse(403, "Wrong Credentials");
    return {RouteAction::challenge, 407, "Proxy Authentication Required"};
  }
  if (!policy.anonymous_calls) return refuse(403, "Strangers Not Welcome");
  return {RouteAction::local_and_overlay, 0, "", true};
}

}  // namespace reload::sip
