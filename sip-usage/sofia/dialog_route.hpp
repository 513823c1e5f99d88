// Record-Route and Route. This node puts `sip:<Node-ID>@<address>;lr;t=<token>` into the route of each dialog that is
// set up through it. A phone reads the address and sends there; another peer reads the Node-ID and sends over the pipe
// to that node. The token, a MAC of the Call-ID, proves later that the dialog came through here, so that a Route is no
// way to make this proxy send anything anywhere.
#pragma once

#include <optional>
#include <string>

#include "sip-usage/sofia/context.hpp"

namespace reload::sip {

struct TakenRoute {
  bool own = false;            // a Route of ours with a valid token was on top; all Routes of ours are gone
  std::optional<NodeId> next;  // the next Route names another node
  std::string next_uri;        // the next Route names something else; empty: there is none
};

// Removes the Routes on top that name this node. Changes `message`.
[[nodiscard]] TakenRoute take_route(const Context& context, msg_t* message);

// What the phones of one side see of us: the address they came to, or are reached from, and the transport.
struct Side {
  std::uint16_t listener = 0;
  Transport transport = Transport::udp;
  friend bool operator==(const Side&, const Side&) = default;
};

// Adds our Record-Route: one, or one for each side where two phones' sides differ (RFC 5658). `none`: a peer's side.
void add_record_route(const Context& context, msg_t* message, std::optional<Side> from, std::optional<Side> to);

}  // namespace reload::sip
