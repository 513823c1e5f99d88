#include "reload/topology/chord_attach.hpp"

namespace reload::topology {

using messaging::Context;

namespace {

constexpr Duration kAttachGivenUp = 30s;  // connect answers long before
constexpr Duration kOverdue = 1500ms;     // an Attach to a live neighbour is done by then
constexpr Duration kRetryDelay = 500ms;   // doubled by each try
constexpr Duration kUpdateExpected = 1s;  // after which a linked peer is asked for its Update
constexpr Duration kLostDelay = 1s;       // a crashed peer's address is no good sooner, a cut link's may be
constexpr Duration kFailureRemembered = 10s;

}  // namespace

void AttachQueue::consider(const NodeId& node, const NodeId& via, Context& context) {
  if (!ring::is_point(node.view()) || node == state_.self || node.is_zero() || node.is_wildcard()) return;
  if (state_.tables.contains(node) || !state_.tables.is_neighbor(node) || context.config.is_bad_node(node)) return;
  if (const Link* link = state_.links.get(node); link && link->leaving) return;
  if (Candidate* known = candidates_.get(node)) {
    known->via = via;
    return;
  }
  if (candidates_.size() >= limits::kMaxNeighborCandidates) return;
  Candidate& candidate = candidates_[node];
  candidate.via = via;
  candidate.next_try = context.now.mono;
  if (state_.links.contains(node)) candidate.next_try += kUpdateExpected;
}

void AttachQueue::consider_again(const NodeId& node, Context& context) {
  if (candidates_.size() >= limits::kMaxNeighborCandidates) return;
  Candidate& candidate = candidates_[node];
  candidate.via = {};
  candidate.lost = true;
  candidate.tries = 0;
  candidate.next_try = context.now.mono + kLostDelay + jitter(kLostDelay, context.rng);
}

void AttachQueue::attach(AttachPurpose purpose, unsigned slot, wire::DestinationList to, Context& context) {
  const std::uint64_t number = state_.next_number++;
  out_[number] = {purpose, slot, {}, context.now.mono + kAttachGivenUp};
  context.effects.push_back(messaging::WantLink{number, std::move(to), true});
}

void AttachQueue::start(const NodeId& node, Candidate& candidate, Context& context) {
  // A second try goes as routing says: the peer that named the node may be what is in the way.
  const NodeId via = candidate.tries % 2 == 0 && state_.links.contains(candidate.via) ? candidate.via : NodeId{};
  // What is sent towards our own range comes nowhere but here. The Attach would wait for its answer in vain, and stand
  // in the way of that of the node itself when it is started again.
  if (via.is_zero() && state_.responsible(ring::to_point(node.view()))) return failed(candidate, context);
  candidate.number = state_.next_number++;
  candidate.through = via;
  candidate.overdue = context.now.mono + kOverdue;
  out_[candidate.number] = {AttachPurpose::neighbor, 0, node, context.now.mono + kAttachGivenUp};
  context.effects.push_back(messaging::WantLink{candidate.number, through(via, node), true});
}

// The link is there but no Update came: RouteQuery with send_update asks for one (10.8).
void AttachQueue::ask(const NodeId& node, Candidate& candidate, Context& context) {
  wire::RouteQueryReq query;
  query.send_update = true;
  query.destination = ring::to_resource(state_.here + 1);
  state_.send(RequestKind::route_query, node, wire::MessageCode::route_query_req, wire::encode(query), context);
  if (candidate.tries < limits::kNeighborAttachTries) ++candidate.tries;
  candidate.next_try =
      context.now.mono +
      (candidate.tries < limits::kNeighborAttachTries ? kUpdateExpected * (1 << candidate.tries) : kFailureRemembered);
}

// It told of itself before and its link is there: for as long as that is so it is asked for its Update, as it may have
// been slow for a while, and think that we know it.
bool AttachQueue::is_asked_on(const NodeId& node) const {
  const Link* link = state_.links.get(node);
  return link != nullptr && link->told_us && !link->leaving;
}

void AttachQueue::failed(Candidate& candidate, Context& context) {
  candidate.number = 0;
  ++candidate.tries;
  const Duration delay =
      candidate.tries < limits::kNeighborAttachTries ? kRetryDelay * (1 << candidate.tries) : kFailureRemembered;
  candidate.next_try = context.now.mono + delay + jitter(kRetryDelay, context.rng);
}

std::optional<AttachDone> AttachQueue::on_done(std::uint64_t number, const Result<NodeId>& node, Context& context) {
  const Out* found = out_.get(number);
  if (!found) return std::nullopt;
  const Out out = *found;
  out_.erase(number);
  AttachDone done{out.purpose, out.slot, std::nullopt};
  if (node && *node != state_.self) done.node = *node;
  if (out.purpose != AttachPurpose::neighbor) return done;
  if (state_.links.contains(out.node)) done.node = out.node;  // its own Attach to us may have won (6.5.1.2)
  if (Candidate* candidate = candidates_.get(out.node)) {
    if (done.node) {
      candidate->number = 0;
      candidate->tries = 0;
      candidate->next_try = context.now.mono + kUpdateExpected;
    } else {
      failed(*candidate, context);
    }
  }
  return done;
}

void AttachQueue::on_link_down(const NodeId& node, Context& context) {
  for (auto& [wanted, candidate] : candidates_) {
    if (candidate.number == 0 || candidate.through != node) continue;
    out_.erase(candidate.number);
    candidate.number = 0;
    candidate.via = {};
    candidate.next_try = context.now.mono;
  }
}

void AttachQueue::pump(Context& context) {
  for (auto it = out_.begin(); it != out_.end();) {
    if (it->second.until > context.now.mono) {
      ++it;
      continue;
    }
    if (Candidate* candidate = candidates_.get(it->second.node); candidate && candidate->number == it->first) {
      failed(*candidate, context);
    }
    it = out_.erase(it);
  }
  std::vector<NodeId> fresh;
  for (auto it = candidates_.begin(); it != candidates_.end();) {
    const Candidate& candidate = it->second;
    const bool over = candidate.tries >= limits::kNeighborAttachTries && candidate.next_try <= context.now.mono &&
                      !is_asked_on(it->first);
    const bool wanted = !state_.tables.contains(it->first) && state_.tables.is_neighbor(it->first);
    if (candidate.number == 0 && (over || !wanted)) {
      it = candidates_.erase(it);
      continue;
    }
    // Those that were tried in vain do not stand in the way of the next best.
    const bool overdue = candidate.number != 0 && candidate.overdue <= context.now.mono;
    if (!candidate.lost && candidate.tries == 0 && !overdue) fresh.push_back(it->first);
    ++it;
  }
  const std::vector<NodeId> best = state_.tables.neighbors_among(fresh);
  for (auto& [node, candidate] : candidates_) {
    const bool first = !candidate.lost && candidate.tries == 0;
    candidate.eligible = first && std::find(best.begin(), best.end(), node) != best.end();
    if (candidate.number != 0 || candidate.next_try > context.now.mono) continue;
    if (first && !candidate.eligible) continue;
    if (candidate.tries >= limits::kNeighborAttachTries && !is_asked_on(node)) continue;
    if (state_.links.contains(node)) {
      ask(node, candidate, context);
    } else if (out_.size() < limits::kMaxAttachesAtOnce) {
      start(node, candidate, context);
    }
  }
}

bool AttachQueue::first_try_open(const NodeId& node, const Candidate& candidate) const {
  return !candidate.lost && candidate.tries == 0 && (candidate.eligible || candidate.number != 0) &&
         !state_.links.contains(node);
}

bool AttachQueue::busy() const {
  return std::any_of(candidates_.begin(), candidates_.end(),
                     [this](const auto& entry) { return first_try_open(entry.first, entry.second); });
}

void AttachQueue::leave_out_late() {
  for (auto& [node, candidate] : candidates_) {
    if (first_try_open(node, candidate)) candidate.tries = 1;
  }
}

std::size_t AttachQueue::out(AttachPurpose purpose) const {
  return static_cast<std::size_t>(
      std::count_if(out_.begin(), out_.end(), [&](const auto& entry) { return entry.second.purpose == purpose; }));
}

void AttachQueue::forget(AttachPurpose purpose) {
  for (auto it = out_.begin(); it != out_.end();) it = it->second.purpose == purpose ? out_.erase(it) : it + 1;
}

std::optional<Mono> AttachQueue::next_deadline() const {
  std::optional<Mono> deadline;
  for (const auto& [number, out] : out_) sooner(deadline, out.until);
  if (out_.size() >= limits::kMaxAttachesAtOnce) return deadline;
  for (const auto& [node, candidate] : candidates_) {
    const bool waits = !candidate.lost && candidate.tries == 0 && !candidate.eligible;
    if (candidate.number == 0 && !waits) sooner(deadline, candidate.next_try);
    if (candidate.number != 0 && candidate.eligible) sooner(deadline, candidate.overdue);
  }
  return deadline;
}

}  // namespace reload::topology
