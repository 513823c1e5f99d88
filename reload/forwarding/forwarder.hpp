// For me, onward, or drop (6940 6.1, 6.2, 6.3.2): the decision for every message, received or originated. The body is
// never read past its code and never copied.
#pragma once

#include <functional>
#include <string>

#include "reload/base/counters.hpp"
#include "reload/base/limits.hpp"
#include "reload/forwarding/opaque_table.hpp"
#include "reload/forwarding/route_view.hpp"
#include "reload/wire/codec.hpp"

namespace reload::forwarding {

// What forwarding needs of the configuration.
struct ForwardingRules {
  NodeId self;
  std::uint32_t overlay = 0;
  std::uint8_t initial_ttl = 100;
  std::uint32_t max_message_size = 5000;
  std::size_t node_id_length = NodeId::kMinSize;
  // Replace the Via List by an own opaque id instead of appending to it (6940 6.1.2); needs state for 15 s.
  bool compress_via = false;
};

// The link a message came over, with the Node-ID bound to it if one is.
struct Arrival {
  LinkId link;
  std::optional<NodeId> node;
};

// Where to send: to a node over its link, or over one link whose node is not known (T7).
using Hop = std::variant<NodeId, LinkId>;

// For this node. A fragment too: give it to Reassembly first unless header.is_whole().
struct Deliver {
  wire::ForwardingHeader header;
  SharedBytes body;                               // MessageContents and SecurityBlock
  std::optional<wire::Destination> previous_hop;  // for the response; nothing for a message of our own
};
struct Forward {
  Hop hop;
  Bytes head;           // the forwarding header to send
  SharedBytes body;     // what follows it, shared with the message received
  bool upkeep = false;  // keeps the ring together; a fragment behind the first does not show it
};
// Not answered. `reason` is to be counted.
struct Drop {
  Counter reason = Counter::headers_malformed;
};
// A request refused on the way: to be answered with an error response along the Via List of `header`.
struct Refuse {
  Counter reason = Counter::headers_malformed;
  wire::ErrorCode code = wire::ErrorCode::invalid_message;
  std::string info;
  wire::ForwardingHeader header;
  std::optional<wire::Destination> previous_hop;
  bool close_link = false;  // when the answer was sent
};
// Drop, and close the link it came over.
struct CloseLink {
  Counter reason = Counter::frames_oversized;
  std::string text;
};
using Decision = std::variant<Deliver, Forward, Drop, Refuse, CloseLink>;

class Forwarder {
 public:
  // `connected`: whether an overlay link to the node exists (link/connection_table).
  using Connected = std::function<bool(const NodeId&)>;

  Forwarder(ForwardingRules rules, Connected connected, Rng& rng)
      : rules_(rules), connected_(std::move(connected)), opaque_(rng) {}

  // A message or fragment from a link, or LinkSession's oversized_head. Guide 4.2 and 4.3, checks in their order.
  [[nodiscard]] Decision receive(const SharedBytes& message, const Arrival& from, const RouteView& route, Now now);

  // A message of this node: a request or a response, with the headers of messaging/headers. Never gives CloseLink.
  // Refuse for a Destination List that breaks a rule or a message above max-message-size; Drop when nobody is known to
  // send it to; Deliver when it is for this node itself. With `first_hop` it goes over the link to that node, whatever
  // the routing says.
  [[nodiscard]] Decision originate(wire::ForwardingHeader header, SharedBytes body, const RouteView& route, Now now,
                                   const std::optional<NodeId>& first_hop = std::nullopt);

  void on_link_closed(LinkId link) { opaque_.forget_link(link); }
  void set_rules(ForwardingRules rules) { rules_ = rules; }
  [[nodiscard]] const ForwardingRules& rules() const { return rules_; }

 private:
  struct Message;  // one message on its way through the decision
  [[nodiscard]] Decision receive_checked(Message& message, const Arrival& from, const RouteView& route, Now now);
  [[nodiscard]] Decision decide(Message& message, const RouteView& route, Now now);
  [[nodiscard]] Decision forward(Message& message, const std::optional<Hop>& hop, Now now);
  [[nodiscard]] Decision route_on(Message& message, const wire::Destination& to, bool passed_on, const RouteView& route,
                                  Now now);
  void extend_via(Message& message, Now now);

  ForwardingRules rules_;
  Connected connected_;
  OpaqueTable opaque_;
};

// An option flagged `flag` (kForwardCritical or kDestinationCritical) that this node does not know; nullptr if none.
[[nodiscard]] const wire::ForwardingOption* unknown_critical_option(const wire::ForwardingHeader& header,
                                                                    std::uint8_t flag);

}  // namespace reload::forwarding
