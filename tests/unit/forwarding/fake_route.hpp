// A topology for tests: what it answers is set by hand.
#pragma once

#include <set>

#include "reload/base/prng.hpp"
#include "reload/forwarding/forwarder.hpp"
#include "reload/messaging/headers.hpp"

namespace reload::test {

inline NodeId node(std::uint8_t n) { return NodeId(Bytes(16, n)); }
inline ResourceId resource(std::uint8_t n) { return ResourceId(Bytes(16, n)); }
inline Now at(Duration since_start) { return {Mono(since_start), Wall(since_start)}; }

class FakeRoute final : public forwarding::RouteView {
 public:
  std::set<ResourceId> own_resources;
  std::set<NodeId> own_nodes;
  std::vector<NodeId> hops;
  std::vector<NodeId> hops_for_own;

  bool joined() const override { return true; }
  bool responsible(const ResourceId& id) const override { return own_resources.contains(id); }
  bool responsible(const NodeId& id) const override { return own_nodes.contains(id); }
  std::vector<NodeId> next_hops(const ResourceId&, bool own) const override { return own ? hops_for_own : hops; }
  std::vector<NodeId> next_hops(const NodeId&, bool own) const override { return own ? hops_for_own : hops; }
  std::vector<NodeId> replica_targets() const override { return {}; }
  bool in_replica_set(const ResourceId&) const override { return false; }
  bool plausible_replica_source(const ResourceId&, const NodeId&) const override { return false; }
  bool plausible_responder(const ResourceId&, const NodeId&) const override { return true; }
  NodeId owner_of(const ResourceId&) const override { return {}; }
  std::uint32_t responsible_ppb() const override { return 0; }
};

// A node "10" with links to the nodes `connected`.
struct Bed {
  FakeRoute route;
  std::set<NodeId> connected{node(20), node(21), node(30)};
  Prng rng{1};
  forwarding::Forwarder forwarder;

  explicit Bed(const NodeId& self = node(10)) : forwarder(rules(self), linked(), rng) {}
  Bed(const Bed&) = delete;
  Bed& operator=(const Bed&) = delete;

  static forwarding::ForwardingRules rules(const NodeId& self) {
    forwarding::ForwardingRules rules;
    rules.self = self;
    rules.overlay = 0x01020304;
    return rules;
  }
  forwarding::Forwarder::Connected linked() {
    return [this](const NodeId& id) { return connected.contains(id); };
  }

  // A message from node 20 unless said otherwise.
  forwarding::Decision receive(const wire::ForwardingHeader& header, const Bytes& body,
                               forwarding::Arrival from = {LinkId{1}, node(20)}, Now now = at(0s)) {
    Bytes message = wire::encode_header(header, body.size());
    append(message, body);
    return forwarder.receive(SharedBytes(std::move(message)), from, route, now);
  }
};

inline config::OverlayConfig config_of(const forwarding::Forwarder& forwarder, std::uint16_t sequence) {
  config::OverlayConfig config;
  config.overlay_hash = forwarder.rules().overlay;
  config.initial_ttl = forwarder.rules().initial_ttl;
  config.sequence = sequence;
  return config;
}

// The headers of this node's own messages, as messaging puts them in front.
inline wire::ForwardingHeader request_header(const forwarding::Forwarder& forwarder, const wire::DestinationList& to,
                                             TransactionId transaction, std::uint16_t sequence) {
  return messaging::request_header(config_of(forwarder, sequence), transaction, to, false);
}
inline wire::ForwardingHeader response_header(const forwarding::Forwarder& forwarder,
                                              const wire::ForwardingHeader& request,
                                              const std::optional<wire::Destination>& previous_hop,
                                              std::uint16_t sequence) {
  const auto path = messaging::return_path(request, previous_hop.value_or(forwarder.rules().self));
  return messaging::answer_header(config_of(forwarder, sequence), request.transaction_id, path);
}

inline wire::ForwardingHeader header_to(wire::DestinationList to, wire::DestinationList via = {}) {
  wire::ForwardingHeader header;
  header.overlay = 0x01020304;
  header.ttl = 50;
  header.transaction_id = 0x1122334455667788;
  header.destination_list = std::move(to);
  header.via_list = std::move(via);
  return header;
}

inline Bytes body_of(wire::MessageCode code, std::size_t size = 40) {
  Bytes body(size, 0xee);
  body[0] = static_cast<std::uint8_t>(static_cast<std::uint16_t>(code) >> 8);
  body[1] = static_cast<std::uint8_t>(code);
  return body;
}
inline const Bytes kRequest = body_of(wire::MessageCode::fetch_req);
inline const Bytes kResponse = body_of(wire::MessageCode::fetch_ans);

inline wire::ForwardingHeader header_in(const Bytes& head, std::size_t body_size) {
  Bytes message = head;
  message.resize(head.size() + body_size);
  const wire::HeaderDecode decoded = wire::decode_header(message);
  return decoded.fault == wire::HeaderFault::none ? decoded.header : wire::ForwardingHeader{};
}
inline wire::ForwardingHeader header_of(const forwarding::Forward& forward) {
  return header_in(forward.head, forward.body.size());
}

}  // namespace reload::test
