#include "reload/topology/chord.hpp"

namespace reload::topology {

using messaging::Context;
using messaging::SendAnswer;
using messaging::SendError;
using ring::Point;
using wire::ErrorCode;
using wire::MessageCode;

Chord::Chord(const NodeId& self, std::size_t replicas)
    : state_(self),
      attaches_(state_),
      upkeep_(state_, attaches_),
      admission_(state_, upkeep_),
      join_(state_, attaches_),
      fingers_(state_, attaches_),
      leave_(state_, attaches_, upkeep_),
      replicas_(replicas) {}

void Chord::start_first(Context& context) {
  if (context.config.node_id_length != 16) return;  // T54
  state_.started = context.now.mono;
  state_.join = JoinState::joined;
  state_.announced = true;
  context.effects.push_back(messaging::JoinStateChanged{true});
  settle(context);
}

void Chord::start_join(const NodeId& bootstrap, Context& context) {
  if (context.config.node_id_length != 16 || !ring::is_point(bootstrap.view())) return;  // T54
  if (state_.join == JoinState::leaving || state_.join == JoinState::left) return;
  if (state_.joined()) context.effects.push_back(messaging::JoinStateChanged{false});
  state_.started = context.now.mono;
  admission_.stop(context);
  upkeep_.on_link_up(bootstrap, context);
  join_.start(bootstrap, context);
  settle(context);
}

void Chord::leave(Context& context) {
  admission_.stop(context);
  leave_.start(context);
  settle(context);
}

void Chord::on_link_up(const NodeId& node, Context& context) {
  upkeep_.on_link_up(node, context);
  settle(context);
}

void Chord::on_link_down(const NodeId& node, Context& context) {
  const bool known = state_.tables.contains(node);
  upkeep_.on_link_down(node, context);
  admission_.on_link_down(node, context);
  join_.on_link_down(node, context);
  leave_.on_link_down(node, context);
  if (known) fingers_.on_lost(node, context);
  settle(context);
}

void Chord::on_link_suspect(const NodeId& node, bool suspect, Context& context) {
  upkeep_.on_link_suspect(node, suspect, context);
  settle(context);
}

void Chord::on_attach_done(std::uint64_t number, const Result<NodeId>& node, Context& context) {
  const std::optional<AttachDone> done = attaches_.on_done(number, node, context);
  if (done) {
    switch (done->purpose) {
      case AttachPurpose::admitting:
        join_.on_attached(*done, context);
        break;
      case AttachPurpose::finger:
        fingers_.on_attached(*done);
        break;
      case AttachPurpose::healing:
        // Our Update lets the other partition find its neighbours among ours (10.7.4.4).
        if (done->node && state_.join == JoinState::joined) upkeep_.send_neighbors(*done->node, context);
        break;
      case AttachPurpose::neighbor:
        break;
    }
  }
  settle(context);
}

void Chord::on_request(const messaging::Request& request, Context& context) {
  switch (request.code) {
    case MessageCode::update_req:
      on_update(request, context);
      break;
    case MessageCode::join_req:
      admission_.on_join(request, context);
      break;
    case MessageCode::leave_req:
      if (leave_.on_leave(request, context)) fingers_.on_lost(request.signer.node_id, context);
      break;
    case MessageCode::route_query_req:
      on_route_query(request, context);
      break;
    default:
      context.effects.push_back(SendError{request.id, ErrorCode::invalid_message, {}});
      break;
  }
  settle(context);
}

void Chord::on_update(const messaging::Request& request, Context& context) {
  context.counters.add(Counter::updates_received);
  const auto update = wire::decode<wire::UpdateReq>(request.body, context.config.codec());
  if (!update || !request.signer.known()) {
    context.effects.push_back(SendError{request.id, ErrorCode::invalid_message, {}});
    return;
  }
  context.effects.push_back(SendAnswer{request.id, wire::encode(wire::UpdateAns{}), {}});
  upkeep_.on_update(request, *update, context);
  join_.on_update(request.signer.node_id, *update, context);
}

void Chord::on_route_query(const messaging::Request& request, Context& context) {
  const auto query = wire::decode<wire::RouteQueryReq>(request.body, context.config.codec());
  if (!query) {
    context.effects.push_back(SendError{request.id, ErrorCode::invalid_message, {}});
    return;
  }
  std::optional<NodeId> next;
  if (const auto* resource = std::get_if<ResourceId>(&query->destination)) {
    const std::vector<NodeId> hops = responsible(*resource) ? std::vector{state_.self} : next_hops(*resource, false);
    if (!hops.empty()) next = hops.front();
  } else if (const auto* node = std::get_if<NodeId>(&query->destination)) {
    if (*node == state_.self || node->is_wildcard()) {
      next = state_.self;
    } else if (state_.links.contains(*node)) {
      next = *node;
    } else {
      const std::vector<NodeId> hops = responsible(*node) ? std::vector{state_.self} : next_hops(*node, false);
      if (!hops.empty()) next = hops.front();
    }
  }
  // Opaque ids stay opaque: what they stand for is nobody else's business (6.4.2.4.1).
  if (next) {
    context.effects.push_back(SendAnswer{request.id, wire::encode(wire::RouteQueryAns{*next}), {}});
  } else {
    context.effects.push_back(SendError{request.id, ErrorCode::not_found, {}});
  }
  if (query->send_update) upkeep_.on_update_wanted(request.signer.node_id, context);
}

void Chord::on_answer(const messaging::Token& token, const messaging::Answer& answer, Context& context) {
  const SentRequest* found = state_.requests.get(token.number);
  if (!found) return;
  const SentRequest sent = *found;
  state_.requests.erase(token.number);
  switch (sent.kind) {
    case RequestKind::update:
    case RequestKind::neighbor_ping:
    case RequestKind::route_query: {
      const bool known = state_.tables.contains(sent.node);
      upkeep_.on_answer(sent, answer, context);
      if (known && !state_.tables.contains(sent.node)) fingers_.on_lost(sent.node, context);
      break;
    }
    case RequestKind::join:
      upkeep_.on_answer(sent, answer, context);
      join_.on_join_answer(sent, answer, context);
      break;
    case RequestKind::successor_ping:
      join_.on_ping_answer(sent, answer, context);
      break;
    case RequestKind::leave:
      leave_.on_answer(sent, context);
      break;
    case RequestKind::finger_ping:
      fingers_.on_ping_answer(sent, answer, context);
      break;
    case RequestKind::bootstrap_ping:
      on_bootstrap_answer(sent, answer, context);
      break;
  }
  settle(context);
}

void Chord::on_update_wanted(const NodeId& node, Context& context) {
  upkeep_.on_update_wanted(node, context);
  settle(context);
}

void Chord::on_handed_over(const NodeId& owner, Context& context) {
  admission_.on_handed_over(owner, context);
  leave_.on_handed_over(owner, context);
  settle(context);
}

void Chord::on_partition_check(const NodeId& bootstrap, Context& context) {
  if (state_.join != JoinState::joined || bootstrap == state_.self) return;
  upkeep_.on_link_up(bootstrap, context);
  messaging::SendRequest request;
  request.to = through(bootstrap, ring::to_resource(state_.here + 1));
  request.code = MessageCode::ping_req;
  request.body = wire::encode(wire::PingReq{});
  request.first_hop = bootstrap;
  state_.send_to({RequestKind::bootstrap_ping, bootstrap}, std::move(request), context);
  settle(context);
}

void Chord::on_bootstrap_answer(const SentRequest& sent, const messaging::Answer& answer, Context& context) {
  const NodeId& found = answer.signer.node_id;
  if (state_.join != JoinState::joined || answer.status != messaging::AnswerStatus::ok) return;
  if (!ring::is_point(found.view()) || found == state_.self) return;
  if (found == state_.tables.first_successor()) return fingers_.on_same_ring();
  if (state_.tables.empty()) {  // 10.7.1: as if joining
    start_join(sent.node, context);
  } else if (attaches_.out(AttachPurpose::healing) == 0) {
    attaches_.attach(AttachPurpose::healing, 0, through(sent.node, found), context);
  }
}

void Chord::on_timer(Context& context) {
  for (const NodeId& node : upkeep_.fail_silent(context)) fingers_.on_lost(node, context);
  upkeep_.on_timer(context);
  admission_.on_timer(context);
  join_.on_timer(context);
  fingers_.on_timer(context);
  leave_.on_timer(context);
  settle(context);
}

std::optional<Mono> Chord::next_deadline() const {
  std::optional<Mono> deadline = upkeep_.next_deadline();
  sooner(deadline, attaches_.next_deadline());
  sooner(deadline, admission_.next_deadline());
  sooner(deadline, join_.next_deadline());
  sooner(deadline, fingers_.next_deadline());
  sooner(deadline, leave_.next_deadline());
  return deadline;
}

void Chord::on_config_changed(Context& context) {
  upkeep_.on_config_changed(context);
  settle(context);
}

void Chord::settle(Context& context) {
  attaches_.pump(context);
  join_.advance(context);
  upkeep_.settle(context);
  fingers_.advance(context);
}

TopologyStatus Chord::status() const {
  const NeighborLists lists = state_.neighbors();
  TopologyStatus status{state_.join, lists.predecessors, lists.successors, state_.tables.fingers()};
  const Link* successor = lists.successors.empty() ? nullptr : state_.links.get(lists.successors.front());
  status.successor_answers = lists.successors.empty() ? state_.joined() : successor && successor->answered;
  return status;
}

bool Chord::responsible(const ResourceId& resource) const {
  return ring::is_point(resource.view()) && state_.responsible(ring::to_point(resource.view()));
}

bool Chord::responsible(const NodeId& node) const {
  return ring::is_point(node.view()) && state_.responsible(ring::to_point(node.view()));
}

std::vector<NodeId> Chord::next_hops_to(ByteView id, bool own) const {
  if (!ring::is_point(id)) return {};
  if (own && (!state_.joined() || state_.tables.empty()) && state_.bootstrap &&
      state_.links.contains(*state_.bootstrap)) {
    return {*state_.bootstrap};
  }
  const Point point = ring::to_point(id);
  // The peer just admitted is in charge of the point, but the peer before it can't know yet and would send it back.
  if (state_.unannounced && state_.unannounced == state_.tables.first_predecessor()) {
    const NeighborLists lists = state_.neighbors();
    const NodeId& before = lists.predecessors.size() > 1 ? lists.predecessors[1] : state_.self;
    if (ring::in_open_closed(point, ring::to_point(before.view()), ring::to_point(state_.unannounced->view()))) {
      return {*state_.unannounced};
    }
  }
  const std::optional<NodeId> hop = state_.tables.next_hop(point);
  if (!hop) return {};
  std::vector<NodeId> hops{*hop};
  // Where that one is what sent it here: the peer behind the point.
  if (const auto owner = state_.tables.owner_of(point, false); owner && *owner != *hop) hops.push_back(*owner);
  return hops;
}

std::vector<NodeId> Chord::next_hops(const ResourceId& resource, bool own) const {
  return next_hops_to(resource.view(), own);
}

std::vector<NodeId> Chord::next_hops(const NodeId& node, bool own) const { return next_hops_to(node.view(), own); }

std::vector<NodeId> Chord::replica_targets() const {
  std::vector<NodeId> targets = state_.neighbors().successors;
  if (targets.size() > replicas_) targets.resize(replicas_);
  return targets;
}

// How many known peers, this one included, are nearer to be in charge of the point than `node`.
std::size_t Chord::nearer(ByteView point, const NodeId& node) const {
  const Point at = ring::to_point(point);
  std::size_t count = state_.tables.nearer_than(node, at);
  if (ring::distance(at, state_.here) < ring::distance(at, ring::to_point(node.view()))) ++count;
  return count;
}

bool Chord::in_replica_set(const ResourceId& resource) const {
  return ring::is_point(resource.view()) && nearer(resource.view(), state_.self) <= replicas_;
}

bool Chord::plausible_replica_source(const ResourceId& resource, const NodeId& sender) const {
  return ring::is_point(resource.view()) && ring::is_point(sender.view()) &&
         nearer(resource.view(), sender) <= replicas_;
}

bool Chord::plausible_responder(const ResourceId& resource, const NodeId& signer) const {
  if (!ring::is_point(resource.view()) || !ring::is_point(signer.view())) return false;
  return !nearest_neighbor(ring::to_point(resource.view()), ring::to_point(signer.view()));
}

std::optional<NodeId> Chord::nearest_neighbor(Point from, Point to) const {
  std::optional<NodeId> nearest;
  Point distance = ring::distance(from, to);
  const NeighborLists lists = state_.neighbors();
  for (const std::vector<NodeId>* list : {&lists.predecessors, &lists.successors}) {
    for (const NodeId& node : *list) {
      if (const Link* link = state_.links.get(node); link && link->suspect) continue;
      const Point behind = ring::distance(from, ring::to_point(node.view()));
      if (behind >= distance) continue;
      nearest = node;
      distance = behind;
    }
  }
  return nearest;
}

void Chord::on_responder_doubted(const ResourceId& resource, const NodeId& signer, Context& context) {
  if (!ring::is_point(resource.view()) || !ring::is_point(signer.view())) return;
  if (const auto passed = nearest_neighbor(ring::to_point(resource.view()), ring::to_point(signer.view())))
    upkeep_.on_doubt(*passed, context);
  settle(context);
}

NodeId Chord::owner_of(const ResourceId& resource) const {
  if (!ring::is_point(resource.view())) return state_.self;
  const Point point = ring::to_point(resource.view());
  if (state_.responsible(point)) return state_.self;
  const std::optional<NodeId> owner = state_.tables.owner_of(point, state_.joined());
  if (owner && *owner != state_.self) return *owner;
  return state_.floor ? state_.floor->node : state_.self;
}

std::uint32_t Chord::responsible_ppb() const {
  constexpr Point kBillion = 1'000'000'000;
  if (!state_.joined()) return 0;
  const Point range = ring::distance(state_.range_start(), state_.here);
  if (range == 0) return static_cast<std::uint32_t>(kBillion);
  const Point low = range & ~std::uint64_t{0};
  return static_cast<std::uint32_t>(((range >> 64) * kBillion + (low * kBillion >> 64)) >> 64);
}

std::unique_ptr<Topology> make_chord(const NodeId& self, std::size_t replicas) {
  return std::make_unique<Chord>(self, replicas);
}

}  // namespace reload::topology
