#include "reload/topology/chord_state.hpp"

namespace reload::topology {

using messaging::Context;
using messaging::SendRequest;
using ring::Point;

Point ChordState::range_start() const {
  const std::optional<NodeId> predecessor = tables.first_predecessor();
  const Point known = predecessor ? ring::to_point(predecessor->view()) : here;
  if (!floor) return known;
  const Point named = ring::to_point(floor->node.view());
  if (!predecessor) return named;
  return ring::distance(named, here) < ring::distance(known, here) ? named : known;
}

bool ChordState::responsible(Point point) const { return joined() && ring::in_open_closed(point, range_start(), here); }

void ChordState::send(RequestKind kind, const NodeId& node, wire::MessageCode code, Bytes body, Context& context) {
  SendRequest request;
  request.to = {node};
  request.code = code;
  request.body = std::move(body);
  if (links.contains(node)) request.first_hop = node;
  send_to({kind, node}, std::move(request), context);
}

void ChordState::send_to(SentRequest sent, SendRequest request, Context& context) {
  request.token = {messaging::Owner::topology, next_number++};
  requests[request.token.number] = sent;
  context.effects.push_back(std::move(request));
}

Duration jitter(Duration bound, Rng& rng) {
  return Duration(static_cast<Duration::rep>(rng.below(static_cast<std::uint64_t>(bound.count()) + 1)));
}

wire::DestinationList through(const NodeId& via, wire::Destination last) {
  if (via.is_zero()) return {std::move(last)};
  return {via, std::move(last)};
}

void sooner(std::optional<Mono>& deadline, const std::optional<Mono>& other) {
  if (other && (!deadline || *other < *deadline)) deadline = other;
}

}  // namespace reload::topology
