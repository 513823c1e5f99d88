#include "reload/forwarding/forwarder.hpp"

#include <algorithm>

namespace reload::forwarding {

struct Forwarder::Message {
  wire::ForwardingHeader header;
  SharedBytes body;
  std::optional<wire::Destination> previous_hop;  // nothing: a message of our own
  bool is_request = false;                        // known to be one: T2

  [[nodiscard]] bool own() const { return !previous_hop; }
  [[nodiscard]] Decision refuse(Counter reason, wire::ErrorCode code, std::string info, bool close_link = false) const {
    if (is_request) return Refuse{reason, code, std::move(info), header, previous_hop, close_link};
    if (close_link) return CloseLink{reason, std::move(info)};
    return Drop{reason};
  }
};

namespace {

// Requests and responses look alike to a hop; only a first fragment shows its code (T2).
std::optional<wire::MessageCode> code_of(const wire::ForwardingHeader& header, const SharedBytes& body) {
  if (header.fragment_offset() != 0) return std::nullopt;
  return wire::peek_code(body.view());
}

bool is_upkeep(const std::optional<wire::MessageCode>& code) {
  if (!code) return false;
  switch (*code) {
    case wire::MessageCode::attach_req:
    case wire::MessageCode::attach_ans:
    case wire::MessageCode::join_req:
    case wire::MessageCode::join_ans:
    case wire::MessageCode::leave_req:
    case wire::MessageCode::leave_ans:
    case wire::MessageCode::update_req:
    case wire::MessageCode::update_ans:
    case wire::MessageCode::route_query_req:
    case wire::MessageCode::route_query_ans:
    case wire::MessageCode::ping_req:
    case wire::MessageCode::ping_ans:
      return true;
    default:
      return false;
  }
}

bool has_duplicates(const wire::DestinationList& list) {
  for (auto at = list.begin(); at != list.end(); ++at) {
    if (std::find(std::next(at), list.end(), *at) != list.end()) return true;
  }
  return false;
}

// 6940 6.3.2.2: only nodes and opaque ids can be on a way. Traps 6 and 7: the wildcard is nobody's name, and a node
// that put itself last would be sent to twice.
bool via_is_sound(const wire::DestinationList& via, const std::optional<wire::Destination>& previous_hop) {
  if (!via.empty() && previous_hop && via.back() == *previous_hop) return false;
  return std::none_of(via.begin(), via.end(), [](const wire::Destination& entry) {
    const auto* node = std::get_if<NodeId>(&entry);
    return std::holds_alternative<ResourceId>(entry) || (node != nullptr && node->is_wildcard());
  });
}

bool resource_before_last(const wire::DestinationList& list) {
  return std::any_of(list.begin(), std::prev(list.end()),
                     [](const auto& entry) { return std::holds_alternative<ResourceId>(entry); });
}

}  // namespace

Decision Forwarder::receive(const SharedBytes& bytes, const Arrival& from, const RouteView& route, Now now) {
  wire::HeaderDecode decoded = wire::decode_header(bytes.view(), rules_.node_id_length);
  if (decoded.fault != wire::HeaderFault::none && decoded.fault != wire::HeaderFault::length) {
    return Drop{Counter::headers_malformed};
  }
  if (decoded.header.version != wire::kVersion) return Drop{Counter::wrong_version};
  if (decoded.header.overlay != rules_.overlay) return Drop{Counter::wrong_overlay};
  if (decoded.header_size > rules_.max_message_size) {
    return CloseLink{Counter::frames_oversized, "forwarding header above max-message-size"};
  }

  Message message{std::move(decoded.header), bytes.slice(decoded.header_size), std::nullopt, false};
  const std::optional<wire::MessageCode> code = code_of(message.header, message.body);
  message.is_request = code && wire::is_request(*code);
  if (from.node) {
    message.previous_hop = *from.node;
  } else {
    const std::optional<wire::OpaqueId> id = opaque_.for_link(from.link, now);
    if (!id) return Drop{Counter::messages_dropped_unroutable};
    message.previous_hop = *id;
  }
  if (message.header.length > rules_.max_message_size) {
    return message.refuse(Counter::frames_oversized, wire::ErrorCode::message_too_large, "above max-message-size",
                          true);
  }
  if (decoded.fault == wire::HeaderFault::length) return Drop{Counter::headers_malformed};
  return receive_checked(message, from, route, now);
}

Decision Forwarder::receive_checked(Message& message, const Arrival& from, const RouteView& route, Now now) {
  const wire::DestinationList& to = message.header.destination_list;
  if (message.header.ttl > rules_.initial_ttl) {
    return message.refuse(Counter::ttl_exceeded, wire::ErrorCode::ttl_exceeded, "ttl above initial-ttl");
  }
  if (to.empty()) {
    return message.refuse(Counter::messages_dropped_via, wire::ErrorCode::invalid_message, "no destination");
  }
  // A Via List may name a node twice while the ring changes, and so may the way back made of it (T6).
  if (message.is_request && has_duplicates(to)) {
    return message.refuse(Counter::messages_dropped_via, wire::ErrorCode::invalid_message,
                          "the same entry twice in the Destination List");
  }
  if (std::count(to.begin(), to.end(), wire::Destination(rules_.self)) > 1 || resource_before_last(to) ||
      !via_is_sound(message.header.via_list, message.previous_hop)) {
    return Drop{Counter::messages_dropped_via};
  }
  const std::optional<wire::MessageCode> code = code_of(message.header, message.body);
  if (!from.node && code != wire::MessageCode::ping_req && code != wire::MessageCode::attach_req) {
    return message.refuse(Counter::messages_dropped_via, wire::ErrorCode::forbidden,
                          "this link has no Node-ID before an Attach");
  }
  return decide(message, route, now);
}

Decision Forwarder::decide(Message& message, const RouteView& route, Now now) {
  wire::DestinationList& to = message.header.destination_list;
  const auto deliver = [&] { return Deliver{message.header, message.body, message.previous_hop}; };
  bool passed_on = !message.own();  // the sender routed it here by the entry that we route it by
  // Each step takes an entry away or replaces an own opaque id by what was there before it was made.
  for (std::size_t step = 0; step <= limits::kMaxDestinations && !to.empty(); ++step) {
    if (const auto* opaque = std::get_if<wire::OpaqueId>(&to.front())) {
      const std::optional<OpaqueTable::Meaning> meaning = opaque_.resolve(*opaque, now);
      if (!meaning) return Drop{Counter::messages_dropped_opaque};
      to.erase(to.begin());
      if (const auto* link = std::get_if<LinkId>(&*meaning)) {
        // Whoever is there has no name that we know: whoever receives it (T7).
        if (to.empty()) to.push_back(NodeId::wildcard(rules_.node_id_length));
        return forward(message, *link, now);
      }
      const auto& entries = std::get<wire::DestinationList>(*meaning);
      to.insert(to.begin(), entries.begin(), entries.end());
      passed_on = false;
      continue;
    }
    if (std::holds_alternative<wire::UnknownDestination>(to.front())) return Drop{Counter::messages_dropped_opaque};
    if (const auto* resource = std::get_if<ResourceId>(&to.front())) {
      if (route.responsible(*resource)) return deliver();
      return route_on(message, *resource, passed_on, route, now);
    }
    const NodeId node = std::get<NodeId>(to.front());
    if (node.is_wildcard()) return deliver();  // T10: whatever follows
    if (node != rules_.self) {
      if (route.responsible(node) && !connected_(node)) return Drop{Counter::messages_dropped_unroutable};
      return route_on(message, node, passed_on, route, now);
    }
    if (to.size() == 1) return deliver();
    to.erase(to.begin());
    passed_on = false;
  }
  return Drop{Counter::messages_dropped_via};
}

Decision Forwarder::route_on(Message& message, const wire::Destination& to, bool passed_on, const RouteView& route,
                             Now now) {
  const auto* node = std::get_if<NodeId>(&to);
  if (node != nullptr && connected_(*node)) return forward(message, *node, now);
  std::vector<NodeId> hops = node != nullptr ? route.next_hops(*node, message.own())
                                             : route.next_hops(std::get<ResourceId>(to), message.own());
  std::erase_if(hops, [this](const NodeId& hop) { return !connected_(hop); });
  // Two peers that each take the other to be nearer, as after failures, would pass it to and fro until its TTL ends.
  const auto* sender = message.previous_hop ? std::get_if<NodeId>(&*message.previous_hop) : nullptr;
  if (passed_on && sender != nullptr && std::erase(hops, *sender) != 0 && hops.empty())
    return Drop{Counter::messages_dropped_returning};
  return forward(message, hops.empty() ? std::nullopt : std::optional<Hop>(hops.front()), now);
}

Decision Forwarder::forward(Message& message, const std::optional<Hop>& hop, Now now) {
  wire::ForwardingHeader& header = message.header;
  if (!message.own()) {
    if (header.ttl == 0) {
      return message.refuse(Counter::ttl_exceeded, wire::ErrorCode::ttl_exceeded, "ttl ran out");
    }
    if (unknown_critical_option(header, wire::ForwardingOption::kForwardCritical) != nullptr) {
      return message.refuse(Counter::forwarding_option_refused, wire::ErrorCode::unsupported_forwarding_option,
                            "unknown option for hops");
    }
  }
  if (!hop) {
    // An own request waits for a way to appear; whoever asked us to forward learns at once that we know none.
    if (message.own()) return Drop{Counter::messages_dropped_unroutable};
    return message.refuse(Counter::messages_dropped_unroutable, wire::ErrorCode::not_found,
                          "no way is known from here");
  }

  const wire::DestinationList via = header.via_list;
  if (!message.own()) {
    extend_via(message, now);
    --header.ttl;  // T9: by whoever forwards, not by the originator
  }
  Bytes head = wire::encode_header(header, message.body.size());
  // Above the limit the next hop would close the link over it.
  if (head.size() + message.body.size() > std::min<std::size_t>(rules_.max_message_size, limits::kMaxFrameMessage)) {
    if (!message.own()) {
      header.via_list = via;
      ++header.ttl;
    }
    return message.refuse(Counter::frames_oversized, wire::ErrorCode::message_too_large, "above max-message-size");
  }
  return Forward{*hop, std::move(head), message.body, is_upkeep(code_of(header, message.body))};
}

// So that the response finds its way back (6940 6.1.2): the node the message came from, by the name its link has.
void Forwarder::extend_via(Message& message, Now now) {
  wire::DestinationList& via = message.header.via_list;
  via.push_back(*message.previous_hop);
  if (!rules_.compress_via) return;
  const std::optional<wire::OpaqueId> id = opaque_.for_entries({via.rbegin(), via.rend()}, now);
  if (id) via = {*id};
}

Decision Forwarder::originate(wire::ForwardingHeader header, SharedBytes body, const RouteView& route, Now now,
                              const std::optional<NodeId>& first_hop) {
  Message message{std::move(header), std::move(body), std::nullopt, false};
  const std::optional<wire::MessageCode> code = code_of(message.header, message.body);
  message.is_request = code && wire::is_request(*code);
  const wire::DestinationList& to = message.header.destination_list;
  const auto refuse = [&](const char* why) {
    return Refuse{Counter::messages_dropped_via, wire::ErrorCode::invalid_message, why, message.header, std::nullopt};
  };
  if (to.empty()) return refuse("no destination");
  if (to.size() > limits::kMaxDestinations) return refuse("too many destinations");
  if (resource_before_last(to)) return refuse("a resource before the end of the Destination List");
  if (message.is_request && has_duplicates(to)) return refuse("the same entry twice in the Destination List");
  if (first_hop) {
    return forward(message, connected_(*first_hop) ? std::optional<Hop>(*first_hop) : std::nullopt, now);
  }
  return decide(message, route, now);
}

// This version knows no option at all: the registry of 6940 14.13 has only the experimental one.
const wire::ForwardingOption* unknown_critical_option(const wire::ForwardingHeader& header, std::uint8_t flag) {
  const auto found = std::find_if(header.options.begin(), header.options.end(),
                                  [&](const wire::ForwardingOption& option) { return (option.flags & flag) != 0; });
  return found == header.options.end() ? nullptr : &*found;
}

}  // namespace reload::forwarding
