#include "reload/topology/chord_admission.hpp"

namespace reload::topology {

using messaging::Context;
using messaging::SendError;
using wire::ErrorCode;

namespace {

constexpr Duration kHandOverTime = 10s;  // then the peer is let in without the rest; replicas make up for it

}  // namespace

void ChordAdmission::on_join(const messaging::Request& request, Context& context) {
  context.counters.add(Counter::joins_received);
  const auto join = wire::decode<wire::JoinReq>(request.body, context.config.codec());
  if (!join) {
    context.effects.push_back(SendError{request.id, ErrorCode::invalid_message, {}});
    return;
  }
  const NodeId& node = join->joining_peer_id;
  if (request.signer.node_id != node || request.link_node != node || node == state_.self) {
    context.effects.push_back(SendError{request.id, ErrorCode::forbidden, {}});
    return;
  }
  if (state_.join != JoinState::joined || !ring::is_point(node.view()) || !state_.links.contains(node)) {
    context.effects.push_back(SendError{request.id, ErrorCode::not_found, {}});
    return;
  }
  for (auto it = waiting_.begin(); it != waiting_.end(); ++it) {
    if (it->node != node) continue;
    context.effects.push_back(SendError{it->request, ErrorCode::in_progress, {}});
    waiting_.erase(it);
    break;
  }
  if (waiting_.size() >= limits::kMaxJoinsWaiting) {
    context.effects.push_back(SendError{request.id, ErrorCode::in_progress, {}});
    return;
  }
  waiting_.push_back({node, request.id});
  if (joining_ == node) {  // it began anew while it was being handed its values: so does its hand-over
    joining_.reset();
    hand_over_until_.reset();
  }
  next(context);
}

void ChordAdmission::next(Context& context) {
  while (!joining_ && !waiting_.empty()) {
    const Waiting first = waiting_.front();
    waiting_.pop_front();
    // A peer that was part of the ring and joins again lost what it knew.
    if (state_.tables.contains(first.node)) upkeep_.remove(first.node, context);
    const ring::Point point = ring::to_point(first.node.view());
    if (!state_.responsible(point)) {
      context.effects.push_back(SendError{first.request, ErrorCode::not_found, {}});
      continue;
    }
    context.effects.push_back(messaging::SendAnswer{first.request, wire::encode(wire::JoinAns{}), {}});
    joining_ = first.node;
    hand_over_until_ = context.now.mono + kHandOverTime;
    context.effects.push_back(messaging::HandOver{first.node, ring::to_node(state_.range_start())});
  }
}

void ChordAdmission::admit(Context& context) {
  const NodeId node = *joining_;
  joining_.reset();
  hand_over_until_.reset();
  if (state_.join == JoinState::joined && state_.responsible(ring::to_point(node.view()))) {
    state_.tables.insert(node);
    if (const Link* link = state_.links.get(node)) state_.tables.set_suspect(node, link->suspect);
    state_.unannounced = node;
    upkeep_.announce_admitted(node, context);
  }
  next(context);
}

void ChordAdmission::on_handed_over(const NodeId& owner, Context& context) {
  if (joining_ == owner) admit(context);
}

void ChordAdmission::on_link_down(const NodeId& node, Context& context) {
  std::erase_if(waiting_, [&](const Waiting& waiting) {
    if (waiting.node != node) return false;
    context.effects.push_back(SendError{waiting.request, ErrorCode::not_found, {}});
    return true;
  });
  if (joining_ != node) return;
  joining_.reset();
  hand_over_until_.reset();
  next(context);
}

void ChordAdmission::stop(Context& context) {
  for (const Waiting& waiting : waiting_) {
    context.effects.push_back(SendError{waiting.request, ErrorCode::not_found, {}});
  }
  waiting_.clear();
  joining_.reset();
  hand_over_until_.reset();
}

void ChordAdmission::on_timer(Context& context) {
  if (hand_over_until_ && *hand_over_until_ <= context.now.mono) admit(context);
}

}  // namespace reload::topology
