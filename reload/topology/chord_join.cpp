#include "reload/topology/chord_join.hpp"

namespace reload::topology {

using messaging::AnswerStatus;
using messaging::Context;
using ring::Point;

namespace {

constexpr Duration kAttachTime = 8s;        // Attach to the admitting peer: two transmissions and a handshake
constexpr Duration kConnectTime = 4s;       // its Update, and Attach to the neighbours; who is late is left out (T56)
constexpr Duration kJoinTime = 20s;         // life of the Join request and the time the hand-over may take
constexpr Duration kAnnounceTime = 3s;      // Attach to neighbours named with the admission
constexpr Duration kFloorTime = 15s;        // a predecessor that stays out of reach is then taken for gone
constexpr Duration kElsewhereDelay = 50ms;  // the range was given to another joining peer: its owner is soon known
constexpr Duration kFirstRetry = 200ms;
constexpr unsigned kMaxDoublings = 4;
constexpr unsigned kTriesThrough = 2;  // failures before another bootstrap node is tried

}  // namespace

bool ChordJoin::under_way() const {
  return state_.join == JoinState::attaching || state_.join == JoinState::connecting ||
         state_.join == JoinState::joining;
}

void ChordJoin::start(const NodeId& bootstrap, Context& context) {
  state_.bootstrap = bootstrap;
  state_.announced = false;
  state_.floor.reset();
  announce_by_.reset();
  failures_ = 0;
  find_admitting_peer(context);
}

void ChordJoin::find_admitting_peer(Context& context) {
  state_.join = JoinState::attaching;
  admitting_.reset();
  attached_ = false;
  found_.clear();
  asked_.reset();
  pinged_ = false;
  waiting_ = false;
  step_until_ = context.now.mono + kAttachTime;
  attaches_.forget(AttachPurpose::admitting);
  attaches_.attach(AttachPurpose::admitting, 0, {ring::to_resource(state_.here + 1)}, context);
}

void ChordJoin::again(Duration delay, Context& context) {
  attaches_.forget(AttachPurpose::admitting);
  if (!state_.bootstrap || !state_.links.contains(*state_.bootstrap)) {
    state_.bootstrap = state_.tables.first_successor();
  }
  if (!state_.bootstrap) {
    state_.join = JoinState::idle;  // no way into the overlay: the node finds another bootstrap node
    step_until_.reset();
    return;
  }
  state_.join = JoinState::attaching;
  waiting_ = true;
  step_until_ = context.now.mono + delay / 2 + jitter(delay / 2, context.rng);
}

void ChordJoin::failed(Context& context) {
  if (failures_ >= kTriesThrough) {
    // The bootstrap node may itself be looking for a way in: the node chooses another.
    attaches_.forget(AttachPurpose::admitting);
    state_.join = JoinState::idle;
    step_until_.reset();
    return;
  }
  again(kFirstRetry * (1 << std::min(failures_, kMaxDoublings)), context);
  ++failures_;
}

void ChordJoin::on_attached(const AttachDone& done, Context& context) {
  if (state_.join != JoinState::attaching || waiting_) return;
  if (!done.node) {
    failed(context);
    return;
  }
  admitting_ = done.node;
  attached_ = true;
  state_.join = JoinState::connecting;
  step_until_ = context.now.mono + kConnectTime;
}

void ChordJoin::advance(Context& context) {
  if (state_.join == JoinState::joined && announce_by_ && !attaches_.busy()) {
    announce_by_.reset();
    state_.announced = true;
  }
  if (state_.join != JoinState::connecting) return;
  // Who answered for a point of the ring is a peer, though its Update did not come (T4).
  for (const NodeId& node : found_) {
    if (state_.links.contains(node)) state_.tables.insert(node);
  }
  if (asked_ || !state_.tables.contains(*admitting_) || attaches_.busy()) return;
  // A peer that joined in the meantime may be nearer than the one that answered the Attach.
  admitting_ = state_.tables.first_successor();
  state_.join = JoinState::joining;
  answered_ = false;
  admission_.reset();
  step_until_ = context.now.mono + kJoinTime;
  state_.send(RequestKind::join, *admitting_, wire::MessageCode::join_req, wire::encode(wire::JoinReq{state_.self, {}}),
              context);
}

// 10.5: without the admitting peer's Routing Table the successors are found by Pings, one after the other.
void ChordJoin::ask_for_successor_of(const NodeId& node, Context& context) {
  asked_ = node;
  messaging::SendRequest request;
  request.to = {ring::to_resource(ring::to_point(node.view()) + 1)};
  request.code = wire::MessageCode::ping_req;
  request.body = wire::encode(wire::PingReq{});
  request.first_hop = admitting_;
  state_.send_to({RequestKind::successor_ping, node}, std::move(request), context);
}

void ChordJoin::on_ping_answer(const SentRequest& sent, const messaging::Answer& answer, Context& context) {
  if (state_.join != JoinState::connecting || asked_ != sent.node) return;
  asked_.reset();
  const NodeId& node = answer.signer.node_id;
  if (answer.status != AnswerStatus::ok || !ring::is_point(node.view()) || node == state_.self) return;
  const auto away = [&](const NodeId& other) { return ring::distance(state_.here, ring::to_point(other.view())); };
  if (!found_.empty() && away(node) <= away(found_.back())) return;  // once around
  found_.push_back(node);
  if (!state_.links.contains(node)) attaches_.consider(node, *admitting_, context);
  if (found_.size() < limits::kNeighborsEachSide) ask_for_successor_of(node, context);
}

void ChordJoin::on_join_answer(const SentRequest& sent, const messaging::Answer& answer, Context& context) {
  if (state_.join != JoinState::joining || admitting_ != sent.node) return;
  switch (answer.status) {
    case AnswerStatus::ok:
      if (answer.signer.node_id != *admitting_) return;  // 6.4.2.1: no answer at all; the step ends by its deadline
      answered_ = true;
      if (admission_) become_joined(context);
      return;
    case AnswerStatus::error:
      if (answer.error == wire::ErrorCode::not_found) {
        again(kElsewhereDelay, context);
      } else {
        failed(context);
      }
      return;
    case AnswerStatus::timed_out:
    case AnswerStatus::unroutable:
      failed(context);
      return;
  }
}

void ChordJoin::on_update(const NodeId& from, const wire::UpdateReq& update, Context& context) {
  if (state_.join != JoinState::joining || admitting_ != from) return;
  const auto& names = update.predecessors;
  if (std::find(names.begin(), names.end(), state_.self) == names.end()) return;
  admission_ = update;
  if (answered_) become_joined(context);  // else the JoinAns is still on its way
}

void ChordJoin::become_joined(Context& context) {
  const wire::UpdateReq update = std::move(*admission_);
  admission_.reset();
  state_.join = JoinState::joined;
  failures_ = 0;
  step_until_.reset();
  announce_by_ = context.now.mono + kAnnounceTime;
  // The admitting peer knows who was before us; that peer may still be without a link to us.
  NodeId nearest = *admitting_;
  const auto behind = [&](const NodeId& node) { return ring::distance(ring::to_point(node.view()), state_.here); };
  for (const std::vector<NodeId>* list : {&update.predecessors, &update.successors}) {
    for (const NodeId& node : *list) {
      if (!ring::is_point(node.view()) || node == state_.self || context.config.is_bad_node(node)) continue;
      if (behind(node) < behind(nearest)) nearest = node;
    }
  }
  if (!state_.tables.contains(nearest)) state_.floor = Floor{nearest, context.now.mono + kFloorTime};
  context.effects.push_back(messaging::JoinStateChanged{true});
}

void ChordJoin::on_link_down(const NodeId& node, Context& context) {
  if (!under_way()) return;
  if (node == admitting_ && attached_) {
    failed(context);
  } else if (node == state_.bootstrap && state_.join == JoinState::attaching) {
    failed(context);
  }
}

void ChordJoin::on_timer(Context& context) {
  const Mono now = context.now.mono;
  if (announce_by_ && *announce_by_ <= now) {
    announce_by_.reset();
    if (state_.join == JoinState::joined) state_.announced = true;
  }
  if (!under_way() || !step_until_ || *step_until_ > now) return;
  if (waiting_) {
    find_admitting_peer(context);
  } else if (state_.join == JoinState::connecting && !state_.tables.contains(*admitting_) && !pinged_) {
    pinged_ = true;
    ask_for_successor_of(state_.self, context);
    step_until_ = now + kConnectTime;
  } else if (state_.join == JoinState::connecting && state_.tables.contains(*admitting_)) {
    asked_.reset();
    attaches_.leave_out_late();
    step_until_ = now + kConnectTime;
  } else {
    failed(context);
  }
}

std::optional<Mono> ChordJoin::next_deadline() const {
  std::optional<Mono> deadline = announce_by_;
  if (under_way()) sooner(deadline, step_until_);
  return deadline;
}

}  // namespace reload::topology
