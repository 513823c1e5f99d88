#include "reload/topology/chord_fingers.hpp"

namespace reload::topology {

using messaging::Context;
using ring::Point;

namespace {

constexpr Duration kFillDelay = 300ms;  // lets the neighbours of a joining peer settle first

}  // namespace

bool ChordFingers::open(unsigned slot) const {
  return !state_.tables.finger(slot) && !state_.tables.finger_needless(slot);
}

void ChordFingers::advance(Context& context) {
  if (state_.join != JoinState::joined || !state_.announced) {
    fill_at_.reset();
    search_at_.reset();
    reach_ = 0;
    cut_off_ = false;
    return;
  }
  if (state_.tables.reaches_beyond_neighbors()) cut_off_ = false;
  if (!search_at_) {
    const Duration interval = context.config.chord_ping_interval;
    search_at_ = context.now.mono + interval * 3 / 4 + jitter(interval / 2, context.rng);
  }
  const unsigned reach = bits(state_.tables.span());
  if (reach == reach_) return;
  reach_ = reach;
  tried_.reset();
  fill_at_ = context.now.mono + kFillDelay + jitter(kFillDelay, context.rng);
}

void ChordFingers::fill(Context& context) {
  const unsigned slots = state_.tables.finger_slots();
  for (unsigned slot = 1; slot <= slots; ++slot) {
    if (attaches_.out(AttachPurpose::finger) >= limits::kFingerAttachesAtOnce) return;
    if (tried_[slot] || state_.tables.finger_needless(slot)) continue;
    // A predecessor lies in the range of the first slot, but routes to none of it.
    const std::optional<NodeId> finger = state_.tables.finger(slot);
    if (finger && !state_.tables.is_neighbor(*finger)) continue;
    tried_.set(slot);
    attaches_.attach(AttachPurpose::finger, slot, {ring::to_resource(state_.tables.finger_start(slot))}, context);
  }
  fill_at_.reset();
}

// 10.7.4.2: a random point of the range, as a resource (T5).
void ChordFingers::ping(unsigned slot, Context& context) {
  const Point start = state_.tables.finger_start(slot);
  const Point random = Point{context.rng.next()} << 64 | context.rng.next();
  messaging::SendRequest request;
  request.to = {ring::to_resource(start + (random & (ring::power_of_two(128 - slot) - 1)))};
  request.code = wire::MessageCode::ping_req;
  request.body = wire::encode(wire::PingReq{});
  state_.send_to({RequestKind::finger_ping, {}, slot}, std::move(request), context);
}

void ChordFingers::on_lost(const NodeId& node, Context& context) {
  if (state_.join != JoinState::joined || !state_.announced) return;
  const bool was_finger = !state_.tables.is_neighbor(node);
  if (state_.tables.empty() || (was_finger && !state_.tables.reaches_beyond_neighbors())) cut_off_ = true;
  if (!context.config.chord_reactive) return;
  const unsigned slot = state_.tables.finger_slot_of(node);
  if (slot != 0 && open(slot)) ping(slot, context);
}

void ChordFingers::on_attached(const AttachDone&) {
  // The next slots, as soon as the new peer's Update may have filled some.
  if (!fill_at_) fill_at_ = state_.started;
}

void ChordFingers::on_ping_answer(const SentRequest& sent, const messaging::Answer& answer, Context& context) {
  const NodeId& node = answer.signer.node_id;
  if (answer.status != messaging::AnswerStatus::ok || !ring::is_point(node.view()) || node == state_.self) return;
  if (!state_.tables.in_finger_slot(sent.slot, node) || !open(sent.slot) || state_.links.contains(node)) return;
  if (attaches_.out(AttachPurpose::finger) >= limits::kFingers) return;
  attaches_.attach(AttachPurpose::finger, sent.slot, {node}, context);
}

void ChordFingers::on_timer(Context& context) {
  const Mono now = context.now.mono;
  if (fill_at_ && *fill_at_ <= now) fill(context);
  if (!search_at_ || *search_at_ > now) return;
  const Duration interval = context.config.chord_ping_interval;
  search_at_ = now + interval + jitter(interval / 4, context.rng);
  const unsigned slots = state_.tables.finger_slots();
  for (unsigned slot = 1; slot <= slots; ++slot) {
    if (!open(slot) || context.rng.below(2) != 0) continue;
    ping(slot, context);
    return;
  }
}

std::optional<Mono> ChordFingers::next_deadline() const {
  std::optional<Mono> deadline = search_at_;
  if (attaches_.out(AttachPurpose::finger) < limits::kFingerAttachesAtOnce) sooner(deadline, fill_at_);
  return deadline;
}

}  // namespace reload::topology
