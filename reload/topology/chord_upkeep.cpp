#include "reload/topology/chord_upkeep.hpp"

namespace reload::topology {

using messaging::AnswerStatus;
using messaging::Context;
using wire::ChordUpdateType;
using wire::MessageCode;

namespace {

constexpr Duration kBroadcastDelay = 200ms;  // gathers a burst of changes for nodes that are not neighbours
constexpr Duration kUpdateInFlight = 1s;     // a newer Update waits that long for the answer to the one before
constexpr Duration kNeighborPing = 10s;      // the nearest neighbours are asked when they said nothing for so long
constexpr Duration kDoubtPing = 1s;          // likewise a neighbour that others pass by
constexpr Duration kSilentTime = 1s;         // from no acknowledgement within an RTO to no place in the Routing Table

bool contains(const std::vector<NodeId>& nodes, const NodeId& node) {
  return std::find(nodes.begin(), nodes.end(), node) != nodes.end();
}

}  // namespace

void ChordUpkeep::on_link_up(const NodeId& node, Context& context) {
  if (node == state_.self || !ring::is_point(node.view())) return;
  Link& link = state_.links[node];
  link.heard = context.now.mono;
  // A link besides an older one may be to the same node started anew, whose end of the older one is gone: what was
  // said over that does not count.
  link.leaving = false;
  link.suspect = false;
  state_.tables.set_suspect(node, false);
  link.answered = false;
  link.told.reset();
  link.update_out.reset();
}

void ChordUpkeep::on_link_down(const NodeId& node, Context& context) {
  const bool neighbor = state_.tables.contains(node) && state_.tables.is_neighbor(node);
  const Link* link = state_.links.get(node);
  const bool left = link && link->leaving;
  state_.links.erase(node);
  attaches_.on_link_down(node, context);
  if (left) {
    remove(node, context);
    return;
  }
  fail(node, context);
  if (neighbor) attaches_.consider_again(node, context);
}

// 6940 6.6.5: a peer that acknowledges nothing goes out of the Routing Table, while its link is kept in case it comes
// back. Forwarding passes it by at once; its range is taken over a little later, so that a hiccup moves no data.
void ChordUpkeep::on_link_suspect(const NodeId& node, bool suspect, Context& context) {
  Link* link = state_.links.get(node);
  if (!link || link->suspect == suspect) return;
  link->suspect = suspect;
  state_.tables.set_suspect(node, suspect);
  if (suspect) {
    link->suspect_since = context.now.mono;
    sooner(silent_at_, context.now.mono + kSilentTime / 2);
    ping(node, *link, context);  // its acknowledgement is what could bring the link back
  } else if (state_.joined() && !state_.tables.contains(node)) {
    link->told.reset();
    attaches_.consider(node, {}, context);  // its Update brings it back
  }
}

std::vector<NodeId> ChordUpkeep::fail_silent(Context& context) {
  if (!silent_at_ || *silent_at_ > context.now.mono) return {};
  silent_at_.reset();
  std::vector<NodeId> silent;
  for (auto& [node, link] : state_.links) {
    if (!link.suspect || !state_.tables.contains(node)) continue;
    if (link.suspect_since + kSilentTime <= context.now.mono) {
      silent.push_back(node);
      continue;
    }
    const Mono again = link.suspect_since + kSilentTime / 2;
    if (link.pinged < again && again <= context.now.mono) ping(node, link, context);  // one loss shall not move data
    sooner(silent_at_, link.pinged < again ? again : link.suspect_since + kSilentTime);
  }
  for (const NodeId& node : silent) fail(node, context);
  return silent;
}

void ChordUpkeep::on_doubt(const NodeId& node, Context& context) { ping_if_quiet(node, kDoubtPing, context); }

void ChordUpkeep::ping_if_quiet(const NodeId& node, Duration quiet, Context& context) {
  Link* link = state_.links.get(node);
  if (link && context.now.mono - std::max(link->heard, link->pinged) >= quiet) ping(node, *link, context);
}

void ChordUpkeep::ping(const NodeId& node, Link& link, Context& context) {
  link.pinged = context.now.mono;
  state_.send(RequestKind::neighbor_ping, node, MessageCode::ping_req, wire::encode(wire::PingReq{}), context);
}

void ChordUpkeep::remove(const NodeId& node, Context& context) {
  if (state_.unannounced == node) state_.unannounced.reset();
  if (state_.floor && state_.floor->node == node) state_.floor.reset();
  if (Link* link = state_.links.get(node)) {
    link->told.reset();
    link->named.clear();
  }
  if (state_.tables.erase(node)) refill(context);
}

void ChordUpkeep::fail(const NodeId& node, Context& context) {
  if (state_.tables.contains(node) && state_.tables.is_neighbor(node)) {
    context.counters.add(Counter::neighbors_lost);
    if (state_.joined()) context.effects.push_back(messaging::NeighborFailed{node});
  }
  remove(node, context);
}

// The best matches of the Routing Table have taken the place (10.7.1); better ones may stand in what they said.
void ChordUpkeep::refill(Context& context) {
  for (const auto& [via, link] : state_.links) {
    for (const NodeId& named : link.named) attaches_.consider(named, via, context);
  }
}

void ChordUpkeep::on_update(const messaging::Request& request, const wire::UpdateReq& update, Context& context) {
  const NodeId& from = request.signer.node_id;
  Link* link = state_.links.get(from);
  if (link && link->leaving) return;
  if (link) {
    link->heard = context.now.mono;
    link->told_us = true;
    if (state_.tables.insert(from)) state_.tables.set_suspect(from, link->suspect);
    if (state_.unannounced == from) state_.unannounced.reset();
    if (update.type != ChordUpdateType::peer_ready) link->named.clear();
  } else {
    attaches_.consider(from, {}, context);
  }
  for (const std::vector<NodeId>* list : {&update.predecessors, &update.successors}) {
    std::size_t count = 0;
    for (const NodeId& node : *list) {
      if (++count > limits::kMaxNeighborsInUpdate) break;
      if (link && count <= limits::kMaxNeighborsEachSide && !contains(link->named, node)) link->named.push_back(node);
      attaches_.consider(node, from, context);
    }
  }
  // Who takes us for its successor knows nobody between: is our predecessor still there?
  const std::optional<NodeId> predecessor = state_.tables.first_predecessor();
  if (link && predecessor && *predecessor != from && !update.successors.empty() &&
      update.successors.front() == state_.self) {
    on_doubt(*predecessor, context);
  }
  // The floor is what the nearest successor says it is: once that names it no more, it is gone.
  if (state_.floor && state_.tables.first_successor() == from && update.type != ChordUpdateType::peer_ready &&
      !contains(update.predecessors, state_.floor->node) && !contains(update.successors, state_.floor->node) &&
      state_.floor->node != from) {
    state_.floor.reset();
  }
}

void ChordUpkeep::send(const NodeId& node, Link& link, ChordUpdateType type, Context& context) {
  wire::UpdateReq update;
  update.uptime = static_cast<std::uint32_t>((context.now.mono - state_.started) / 1s);
  update.type = type;
  if (type != ChordUpdateType::peer_ready) {
    update.predecessors = now_->predecessors;
    update.successors = now_->successors;
  }
  if (type == ChordUpdateType::full) update.fingers = state_.tables.fingers();
  link.told = target_;
  link.update_wanted = false;
  link.update_out = context.now.mono;
  const Duration interval = context.config.chord_update_interval;
  link.refresh_at = context.now.mono + interval * 3 / 4 + jitter(interval / 2, context.rng);
  sooner(refresh_at_, link.refresh_at);
  context.counters.add(Counter::updates_sent);
  state_.send(RequestKind::update, node, MessageCode::update_req, wire::encode(update), context);
}

void ChordUpkeep::on_update_wanted(const NodeId& node, Context& context) {
  Link* link = state_.links.get(node);
  if (!link) return;
  link->update_wanted = true;
  settle(context);
}

void ChordUpkeep::announce_admitted(const NodeId& node, Context& context) {
  settle(context);
  if (Link* link = state_.links.get(node)) {
    if (link->told != target_) send(node, *link, ChordUpdateType::neighbors, context);
  }
}

void ChordUpkeep::send_neighbors(const NodeId& node, Context& context) {
  if (Link* link = state_.links.get(node)) send(node, *link, ChordUpdateType::neighbors, context);
}

void ChordUpkeep::on_answer(const SentRequest& sent, const messaging::Answer& answer, Context& context) {
  Link* link = state_.links.get(sent.node);
  if (!link) return;
  if (sent.kind == RequestKind::update) link->update_out.reset();
  if (answer.status == AnswerStatus::ok || answer.status == AnswerStatus::error) {
    link->heard = context.now.mono;
    if (answer.status == AnswerStatus::ok) link->answered = true;
  } else if (answer.status == AnswerStatus::timed_out && context.now.mono - link->heard > kUpdateInFlight) {
    const bool neighbor = state_.tables.contains(sent.node) && state_.tables.is_neighbor(sent.node);
    fail(sent.node, context);
    if (neighbor) attaches_.consider_again(sent.node, context);
  }
}

void ChordUpkeep::settle(Context& context) {
  const bool joined = state_.joined();
  if (state_.floor && (state_.floor->until <= context.now.mono || state_.tables.contains(state_.floor->node))) {
    state_.floor.reset();
  }
  const ring::Point start = state_.range_start();
  const bool range = joined != was_joined_ || (joined && start != was_start_);
  const bool changed = look_at_neighbors();
  if (joined && (range || changed)) context.effects.push_back(messaging::RangeChanged{});
  was_joined_ = joined;
  was_start_ = start;
  const bool reactive = context.config.chord_reactive || range || state_.announced != was_announced_;
  if (state_.announced && target_ != now_ && reactive) {
    target_ = now_;
    if (!broadcast_at_) broadcast_at_ = context.now.mono + kBroadcastDelay;
  }
  if (state_.announced && !was_announced_) broadcast_at_ = context.now.mono;
  was_announced_ = state_.announced;
  if (state_.join == JoinState::joined && state_.announced) tell(context);
}

bool ChordUpkeep::look_at_neighbors() {
  if (revision_ == state_.tables.revision()) return false;
  revision_ = state_.tables.revision();
  NeighborLists lists = state_.neighbors();
  if (lists == *now_) return false;
  now_ = std::make_shared<const NeighborLists>(std::move(lists));
  return true;
}

void ChordUpkeep::tell(Context& context) {
  const bool broadcast = broadcast_at_ && *broadcast_at_ <= context.now.mono;
  if (broadcast) broadcast_at_.reset();
  for (auto& [node, link] : state_.links) {
    if (link.leaving) continue;
    if (link.update_wanted) {
      send(node, link, ChordUpdateType::full, context);
      continue;
    }
    if (link.told == target_) continue;
    if (link.told && *link.told == *target_) {
      link.told = target_;
      continue;
    }
    const bool member = state_.tables.contains(node);
    const bool neighbor = member && state_.tables.is_neighbor(node);
    const bool waits = link.update_out && context.now.mono - *link.update_out < kUpdateInFlight;
    if ((neighbor && !waits) || broadcast) {
      send(node, link, ChordUpdateType::neighbors, context);
    } else if (member && !link.told && !waits) {
      send(node, link, ChordUpdateType::peer_ready, context);
    } else if (neighbor) {
      sooner(refresh_at_, *link.update_out + kUpdateInFlight);
    }
  }
}

void ChordUpkeep::on_timer(Context& context) {
  if (state_.join != JoinState::joined || !state_.announced) return;
  const Mono now = context.now.mono;
  if (refresh_at_ && *refresh_at_ <= now) {
    refresh_at_.reset();
    for (auto& [node, link] : state_.links) {
      if (link.leaving || !state_.tables.contains(node)) continue;
      if (link.refresh_at <= now) {
        if (!context.config.chord_reactive) target_ = now_;
        const bool neighbor = state_.tables.is_neighbor(node);
        send(node, link, neighbor ? ChordUpdateType::neighbors : ChordUpdateType::peer_ready, context);
      }
      sooner(refresh_at_, link.refresh_at);
    }
  }
  if (!ping_at_) ping_at_ = now + kNeighborPing;
  if (*ping_at_ > now) return;
  ping_at_ = now + kNeighborPing;
  if (const auto successor = state_.tables.first_successor()) ping_if_quiet(*successor, kNeighborPing, context);
  if (const auto predecessor = state_.tables.first_predecessor()) ping_if_quiet(*predecessor, kNeighborPing, context);
}

void ChordUpkeep::on_config_changed(Context& context) {
  std::vector<NodeId> bad;
  for (const auto& [node, link] : state_.links) {
    if (context.config.is_bad_node(node)) bad.push_back(node);
  }
  for (const NodeId& node : bad) remove(node, context);
  const Duration interval = context.config.chord_update_interval;
  for (auto& [node, link] : state_.links) {
    link.refresh_at = std::min(link.refresh_at, context.now.mono + interval / 4 + jitter(interval, context.rng));
    sooner(refresh_at_, link.refresh_at);
  }
}

std::optional<Mono> ChordUpkeep::next_deadline() const {
  std::optional<Mono> deadline;
  if (state_.floor) sooner(deadline, state_.floor->until);
  sooner(deadline, silent_at_);
  if (state_.join != JoinState::joined || !state_.announced) return deadline;
  sooner(deadline, broadcast_at_);
  sooner(deadline, refresh_at_);
  sooner(deadline, ping_at_ ? ping_at_ : std::optional<Mono>(state_.started));
  return deadline;
}

}  // namespace reload::topology
