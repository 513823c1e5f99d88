#include "reload/topology/chord_leave.hpp"

namespace reload::topology {

using messaging::Context;
using messaging::SendError;
using wire::ChordLeaveType;
using wire::ErrorCode;

namespace {

constexpr Duration kHandOverTime = 5s;  // then it leaves all the same; replicas make up for the rest
constexpr Duration kLeaveTime = 3s;

}  // namespace

void ChordLeave::start(Context& context) {
  if (state_.join == JoinState::leaving || state_.join == JoinState::left) return;
  if (!state_.joined()) {
    state_.join = JoinState::left;
    return;
  }
  state_.join = JoinState::leaving;
  heir_ = state_.tables.first_successor();
  if (!heir_) return done(context);
  // In the hold-down after a failure this peer may have the only copy.
  until_ = context.now.mono + kHandOverTime;
  context.effects.push_back(messaging::HandOver{*heir_, ring::to_node(state_.range_start())});
}

void ChordLeave::on_handed_over(const NodeId& owner, Context& context) {
  if (heir_ == owner) say_leave(context);
}

void ChordLeave::say_leave(Context& context) {
  heir_.reset();
  until_ = context.now.mono + kLeaveTime;
  const NeighborLists lists = state_.neighbors();
  const auto in = [](const std::vector<NodeId>& nodes, const NodeId& node) {
    return std::find(nodes.begin(), nodes.end(), node) != nodes.end();
  };
  for (const auto& [node, link] : state_.links) {
    if (link.leaving || !state_.tables.contains(node)) continue;
    // In a small ring a peer is both (T62): its first successor hears from its predecessor. A finger is no neighbour
    // and learns of nobody new.
    const bool successor = in(lists.successors, node);
    const bool predecessor = in(lists.predecessors, node);
    wire::LeaveReq leave{state_.self, {ChordLeaveType::from_succ, lists.successors}};
    if (successor && (!predecessor || node == lists.successors.front())) {
      leave.chord = {ChordLeaveType::from_pred, lists.predecessors};
    }
    unanswered_.push_back(node);
    state_.send(RequestKind::leave, node, wire::MessageCode::leave_req, wire::encode(leave), context);
  }
  if (unanswered_.empty()) done(context);
}

void ChordLeave::done(Context& context) {
  until_.reset();
  unanswered_.clear();
  state_.join = JoinState::left;
  state_.announced = false;
  context.effects.push_back(messaging::JoinStateChanged{false});
}

void ChordLeave::on_answer(const SentRequest& sent, Context& context) { on_link_down(sent.node, context); }

void ChordLeave::on_link_down(const NodeId& node, Context& context) {
  if (!until_) return;
  if (heir_) {
    if (node == heir_) say_leave(context);
    return;
  }
  std::erase(unanswered_, node);
  if (unanswered_.empty()) done(context);
}

void ChordLeave::on_timer(Context& context) {
  if (!until_ || *until_ > context.now.mono) return;
  if (heir_) {
    say_leave(context);
  } else {
    done(context);
  }
}

bool ChordLeave::on_leave(const messaging::Request& request, Context& context) {
  context.counters.add(Counter::leaves_received);
  const auto leave = wire::decode<wire::LeaveReq>(request.body, context.config.codec());
  if (!leave) {
    context.effects.push_back(SendError{request.id, ErrorCode::invalid_message, {}});
    return false;
  }
  const NodeId& node = leave->leaving_peer_id;
  if (request.signer.node_id != node || request.link_node != node) {
    context.effects.push_back(SendError{request.id, ErrorCode::forbidden, {}});
    return false;
  }
  context.effects.push_back(messaging::SendAnswer{request.id, wire::encode(wire::LeaveAns{}), {}});
  const bool known = state_.tables.contains(node);
  if (Link* link = state_.links.get(node)) link->leaving = true;
  upkeep_.remove(node, context);
  // The list comes from a peer that is about to go, so the Attaches are routed conventionally instead of through it.
  std::size_t count = 0;
  for (const NodeId& named : leave->chord.nodes) {
    if (++count > limits::kMaxNeighborsInUpdate) break;
    attaches_.consider(named, {}, context);
  }
  return known;
}

}  // namespace reload::topology
