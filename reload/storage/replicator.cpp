#include "reload/storage/replicator.hpp"

#include <algorithm>

#include "reload/base/ring.hpp"
#include "reload/storage/fetched_values.hpp"
#include "reload/storage/merge.hpp"

namespace reload::storage {

using messaging::Answer;
using messaging::AnswerStatus;
using messaging::Context;
using wire::ErrorCode;

namespace {

// Of the Fetches under way, those to one peer that offers newer values.
constexpr std::size_t kMaxTakingsFromOne = limits::kMaxTakings / 4;

bool lies_in(const ResourceId& resource, const NodeId& after, const NodeId& owner) {
  if (!ring::is_point(resource.view()) || !ring::is_point(after.view()) || !ring::is_point(owner.view())) return false;
  return ring::in_open_closed(ring::to_point(resource.view()), ring::to_point(after.view()),
                              ring::to_point(owner.view()));
}

// Whether `node` comes after `other` on the way around the ring from `self`.
bool is_farther(const NodeId& node, const NodeId& other, const NodeId& self) {
  const ring::Point here = ring::to_point(self.view());
  return ring::distance(here, ring::to_point(node.view())) > ring::distance(here, ring::to_point(other.view()));
}

bool is_owner(const NodeId& target, const KindAt& at, const Context& context) {
  return target == kResponsiblePeer || target == context.route.owner_of(at.resource);
}

}  // namespace

std::size_t Replicator::copy_changed(const KindAt& at, std::span<const Bytes> changed, WaitId wait, Context& context) {
  if (!context.route.responsible(at.resource)) return 0;
  std::size_t sent = 0;
  std::uint8_t number = 0;
  for (const NodeId& target : context.route.replica_targets()) {
    sent += copier_.copy(target, at, ++number, changed, wait, context) ? 1U : 0U;
  }
  // Who is about to own it must not miss what comes while the rest is handed over.
  for (const Sweep& sweep : sweeps_) {
    if (sweep.purpose != Purpose::hand_over || !lies_in(at.resource, sweep.after, sweep.peer)) continue;
    sent += copier_.copy(sweep.peer, at, 1, changed, wait, context) ? 1U : 0U;
  }
  return sent;
}

void Replicator::on_copy_received(const NodeId& sender, const KindAt& at, std::uint64_t before, std::uint64_t now_has,
                                  std::size_t values, bool changed) {
  const bool followed = known_.generation(sender, at) == before && before + 1 == now_has;
  // The same counter with other values, or one that went back (6940 7.4.1.1: it is taken as it comes) and will be at
  // the same height again with other values: what others are known to have must not be mistaken for that.
  if (now_has < before || (changed && before == now_has)) forget(at);
  // The sender has all that is here only if it sent all, or what changed since it had all.
  if (followed || store_.count(at) == values) known_.note(sender, at, now_has);
}

void Replicator::forget(const KindAt& at) {
  known_.forget(at);
  copier_.outdate(at);
}

bool Replicator::on_answer(const messaging::Token& token, const Answer& answer, Context& context) {
  if (const auto it = taking_.find(token.number); it != taking_.end()) {
    const Taking taking = it->second;
    taking_.erase(it);
    on_newer(taking, answer, context);
  } else if (copier_.owns(token)) {
    if (const auto done = copier_.on_answer(token, answer, context)) on_copy_done(*done, context);
  } else {
    return false;
  }
  for (Sweep& sweep : sweeps_) sweep.walk.wake(context.now.mono);
  advance(context);
  return true;
}

void Replicator::on_copy_done(const CopyDone& done, Context& context) {
  for (const WaitId wait : done.waits) released_.push_back({wait, done.status == AnswerStatus::ok});
  const auto& [target, at, generation, outdated, status, error, waits] = done;
  const bool ours = context.route.responsible(at.resource) || context.route.in_replica_set(at.resource);
  if (status == AnswerStatus::ok) {
    if (!ours && !outdated && is_owner(target, at, context) && store_.generation(at) == generation) remove(at, context);
    return;
  }
  if (status == AnswerStatus::error &&
      (error == ErrorCode::generation_counter_too_low || error == ErrorCode::data_too_old))
    return take_newer(target, at, context);
  // The owner knows closer holders than this peer. It may take our values over; what it has by then is looked at.
  if (status == AnswerStatus::error && error == ErrorCode::forbidden && !ours) return take_newer(target, at, context);
  blame(target, at, context);
}

// A failed copy is made up for by the sweep that it belongs to.
void Replicator::blame(const NodeId& target, const KindAt& at, Context& context) {
  const bool owned = context.route.responsible(at.resource);
  for (Sweep& sweep : sweeps_) {
    const bool belongs = sweep.purpose == Purpose::foreign ? !owned : owned && sweep.peer == target;
    if (belongs) sweep.walk.failed(context.now.mono);
  }
}

// 6940 7.4.1.1: the newer data is fetched from the peer that refused ours, and replaces it.
void Replicator::take_newer(const NodeId& from, const KindAt& at, Context& context) {
  const auto model = context.config.kinds.model_of(at.kind);
  if (!model) return;
  const bool asked = std::ranges::any_of(
      taking_, [&](const auto& entry) { return entry.second.from == from && entry.second.at == at; });
  if (asked) return;
  if (taking_.size() >= limits::kMaxTakings) return blame(from, at, context);
  const std::uint64_t number = tokens_.next();
  taking_[number] = {from, at, store_.generation(at)};
  messaging::SendRequest request;
  request.token = token_of(number);
  request.to = {from == kResponsiblePeer ? wire::Destination(at.resource) : wire::Destination(from)};
  request.code = wire::MessageCode::fetch_req;
  request.body = wire::encode(fetch_all(at, *model));
  context.effects.push_back(std::move(request));
}

void Replicator::on_newer(const Taking& taking, const Answer& answer, Context& context) {
  const config::Kind* kind = context.config.kinds.find(taking.at.kind);
  if (answer.status != AnswerStatus::ok || answer.fetch == nullptr || kind == nullptr)
    return blame(taking.from, taking.at, context);
  const FetchDone fetched =
      believable(*answer.fetch, taking.at.resource, {taking.at.kind}, context.config, context.crypto);
  context.counters.add(Counter::values_invalid, fetched.invalid);
  const WriteBatch writes = merge(fetched, taking.at, *kind, store_, context.now.wall);
  if (writes.empty()) return on_nothing_newer(taking, fetched, context);
  if (!store_.apply(writes)) return context.counters.add(Counter::store_failures);
  context.counters.add(Counter::values_stored, writes.size() - 1);
  known_.forget(taking.at);
  if (copy_changed(taking.at, {}, 0, context) == 0) copier_.copy(taking.from, taking.at, 1, {}, 0, context);
}

void Replicator::on_nothing_newer(const Taking& taking, const FetchDone& fetched, Context& context) {
  const auto& [from, at, generation] = taking;
  const bool ours = context.route.responsible(at.resource) || context.route.in_replica_set(at.resource);
  if (ours || !is_owner(from, at, context)) {
    // It takes nothing of what was here: sending that again would go on for ever. What came since is another matter.
    if (from != kResponsiblePeer && store_.generation(at) == generation) known_.note(from, at, generation);
  } else if (covers(fetched, at, store_, context.now.wall)) {
    remove(at, context);
  } else {
    blame(from, at, context);
  }
}

void Replicator::on_refused_copy(const NodeId& sender, const messaging::VerifiedStore& store, Context& context) {
  const wire::StoreReq& request = store.request;
  if (request.replica_number == 0 || !context.route.responsible(request.resource)) return;
  // What one sender offers must not keep out what others do; it offers the rest again.
  const auto under_way = std::ranges::count_if(taking_, [&](const auto& entry) { return entry.second.from == sender; });
  if (static_cast<std::size_t>(under_way) >= kMaxTakingsFromOne) return;
  for (std::size_t k = 0; k < request.kind_data.size(); ++k) {
    const KindAt at{request.resource, request.kind_data[k].kind};
    for (std::size_t v = 0; v < request.kind_data[k].values.size(); ++v) {
      const wire::StoredData& data = request.kind_data[k].values[v];
      const auto own = store_.find({at.resource, at.kind, slot_of(data.value)});
      const bool newer = !own || own->expires() <= context.now.wall || own->data.storage_time < data.storage_time;
      if (!newer || !store.signers[k][v].known()) continue;
      take_newer(sender, at, context);
      break;
    }
  }
}

void Replicator::on_range_changed(Context& context) {
  if (!context.route.joined()) return;
  std::vector<NodeId> targets = context.route.replica_targets();
  // A peer that left the replica set may delete its copies; when it comes back it gets them again.
  for (const NodeId& old : targets_) {
    if (std::find(targets.begin(), targets.end(), old) != targets.end()) continue;
    known_.forget(old);
    std::erase_if(sweeps_, [&](const Sweep& sweep) { return sweep.purpose == Purpose::replica && sweep.peer == old; });
  }
  // The same holds for what this peer owns no more: those who were its replicas may be none under the new owner, and
  // have nothing when this peer is the owner again.
  known_.forget_if([&](const NodeId& holder, const KindAt& at) {
    return !context.route.responsible(at.resource) && holder != context.route.owner_of(at.resource);
  });
  const Mono now = context.now.mono;
  const auto restart = [&](Purpose purpose, const NodeId& peer, Mono not_before) {
    auto it = std::find_if(sweeps_.begin(), sweeps_.end(),
                           [&](const Sweep& sweep) { return sweep.purpose == purpose && sweep.peer == peer; });
    if (it == sweeps_.end()) it = sweeps_.insert(sweeps_.end(), Sweep{purpose, peer, {}, StoreWalk(not_before)});
    it->walk.restart(now);
  };
  // 6940 10.7.1: a successor that replaces a failed one gets no copies before the hold-down is over, as a better match
  // may be on its way. A nearer one is that better match, be it new or back, and has its copies now (10.7.3).
  const std::optional<NodeId> last = targets_.empty() ? std::nullopt : std::optional(targets_.back());
  for (const NodeId& target : targets) {
    const bool replaces = last && is_farther(target, *last, context.self);
    restart(Purpose::replica, target, replaces ? hold_until_.value_or(now) : now);
  }
  restart(Purpose::foreign, {}, now);
  targets_ = std::move(targets);
  advance(context);
}

void Replicator::on_neighbor_failed(const NodeId& node, Context& context) {
  known_.forget(node);
  if (std::find(targets_.begin(), targets_.end(), node) != targets_.end())
    hold_until_ = context.now.mono + limits::kReplicaHoldDown;
}

void Replicator::on_hand_over(const NodeId& owner, const NodeId& after, Context& context) {
  const auto is_hand_over = [](const Sweep& sweep) { return sweep.purpose == Purpose::hand_over; };
  std::erase_if(sweeps_, [&](const Sweep& sweep) { return is_hand_over(sweep) && sweep.peer == owner; });
  if (static_cast<std::size_t>(std::count_if(sweeps_.begin(), sweeps_.end(), is_hand_over)) >= limits::kMaxHandOvers) {
    // It becomes the owner with what its replicas have, and gets the rest as foreign values.
    context.effects.push_back(messaging::HandedOver{owner});
    return;
  }
  sweeps_.push_back({Purpose::hand_over, owner, after, StoreWalk()});
  sweeps_.back().walk.restart(context.now.mono);
  // It is new here, whatever it had in an earlier life; unless it is a replica, which gets what this peer leaves.
  if (std::ranges::find(targets_, owner) == targets_.end()) known_.forget(owner);
  advance(context);
}

void Replicator::on_timer(Context& context) { advance(context); }

std::optional<Mono> Replicator::next_deadline() const {
  std::optional<Mono> next;
  for (const Sweep& sweep : sweeps_) {
    if (sweep.walk.due() && (!next || *sweep.walk.due() < *next)) next = sweep.walk.due();
  }
  return next;
}

void Replicator::advance(Context& context) {
  for (Sweep& sweep : sweeps_) {
    sweep.walk.advance(store_, context.now.mono, [&](const KindAt& at) { return visit(sweep, at, context); });
  }
  end_hand_overs(context);
}

// False when there is no room for more copies to the peer in question.
bool Replicator::visit(const Sweep& sweep, const KindAt& at, Context& context) {
  if (sweep.purpose == Purpose::foreign) return visit_foreign(at, context);
  const bool wanted = sweep.purpose == Purpose::replica ? context.route.responsible(at.resource)
                                                        : lies_in(at.resource, sweep.after, sweep.peer);
  if (!wanted) return true;
  if (copier_.under_way(sweep.peer) >= limits::kReplicaWindow) return false;
  copier_.copy(sweep.peer, at, replica_number_of(sweep.peer), {}, 0, context);
  return true;
}

// 6940 6.4.2.3, 10.7.3: the owner shall have it, unless it is known to; then it is deleted here, unless this peer is
// one of its replicas.
bool Replicator::visit_foreign(const KindAt& at, Context& context) {
  if (context.route.responsible(at.resource)) return true;
  const NodeId owner = context.route.owner_of(at.resource);
  if (owner == context.self || owner.is_zero()) return true;
  const bool holder = context.route.in_replica_set(at.resource);
  if (!holder && known_.generation(owner, at) == store_.generation(at)) {
    remove(at, context);
    return true;
  }
  // From far away, as after a partition, routing sees better than this peer who the owner is.
  const NodeId& target = holder ? owner : kResponsiblePeer;
  if (copier_.under_way(target) >= limits::kReplicaWindow) return false;
  copier_.copy(target, at, 1, {}, 0, context);
  return true;
}

void Replicator::end_hand_overs(Context& context) {
  std::erase_if(sweeps_, [&](const Sweep& sweep) {
    if (sweep.purpose != Purpose::hand_over) return false;
    const bool all_sent = sweep.walk.pass() > 0 && copier_.under_way(sweep.peer) == 0;
    const bool over = all_sent || sweep.walk.failed_too_often();
    if (over) context.effects.push_back(messaging::HandedOver{sweep.peer});
    return over;
  });
}

void Replicator::remove(const KindAt& at, Context& context) {
  WriteBatch removal;
  for (const auto& [key, value] : store_.values(at)) removal.push_back(RemoveValue{key});
  if (!store_.apply(removal)) return context.counters.add(Counter::store_failures);
  forget(at);
}

std::uint8_t Replicator::replica_number_of(const NodeId& target) const {
  const auto it = std::find(targets_.begin(), targets_.end(), target);
  return it == targets_.end() ? 1 : static_cast<std::uint8_t>(it - targets_.begin() + 1);
}

}  // namespace reload::storage
