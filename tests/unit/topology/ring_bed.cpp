#include "tests/unit/topology/ring_bed.hpp"

#include <cmath>
#include <sstream>

#include "reload/base/check.hpp"

namespace reload::topology::test {

using messaging::AnswerStatus;
using messaging::Context;
using wire::ErrorCode;
using wire::MessageCode;

namespace {

constexpr Duration kHandshake = 20ms;
constexpr Duration kRetransmit = 3s;
constexpr unsigned kTries = 5;
constexpr unsigned kTtl = 100;

}  // namespace

RingBed::RingBed(std::uint64_t seed) : rng_(seed) {}

NodeId RingBed::random_id() { return ring::to_node(ring::Point{rng_.next()} << 64 | rng_.next()); }

std::size_t RingBed::add(const NodeId& id, bool client) {
  auto node = std::make_unique<Node>();
  node->id = id;
  node->client = client;
  node->alive = true;
  node->topology = client ? make_client(id) : make_chord(id);
  node->rng = Prng(rng_.next());
  nodes_.push_back(std::move(node));
  by_id_[id] = nodes_.size() - 1;
  return nodes_.size() - 1;
}

void RingBed::after(Duration delay, std::function<void()> what) {
  events_.push({now + delay, order_++, std::move(what)});
}

void RingBed::act(std::size_t index, const std::function<void(Context&)>& what) {
  Node& node = *nodes_[index];
  if (!node.alive) return;
  Context context{
      {now, Wall(now.time_since_epoch())}, node.id, node.rng, counters, config, crypto_, *node.topology, node.effects};
  what(context);
  carry_out(index);
  const std::optional<Mono> deadline = node.topology->next_deadline();
  if (!deadline || (node.tick && *node.tick <= *deadline && *node.tick > now)) return;
  const Mono at = std::max(*deadline, now + 1us);
  node.tick = at;
  after(at - now, [this, index, at, life = node.life] {
    Node& due = *nodes_[index];
    if (due.life != life || due.tick != at) return;
    due.tick.reset();
    act(index, [&](Context& on) { due.topology->on_timer(on); });
  });
}

void RingBed::carry_out(std::size_t index) {
  Node& node = *nodes_[index];
  while (!node.effects.empty()) {
    messaging::Effect effect = std::move(node.effects.front());
    node.effects.pop_front();
    if (auto* request = std::get_if<messaging::SendRequest>(&effect)) {
      sent.push_back({index, *request, now});
      flights_.push_back({index, node.life, std::move(*request), std::nullopt});
      launch(flights_.size() - 1);
    } else if (auto* want = std::get_if<messaging::WantLink>(&effect)) {
      asked.push_back({index, *want, now});
      flights_.push_back({index, node.life, std::nullopt, std::move(*want)});
      launch(flights_.size() - 1);
    } else if (auto* ok = std::get_if<messaging::SendAnswer>(&effect)) {
      const auto [flight, life] = node.answers_to.at(ok->request.value);
      node.answers_to.erase(ok->request.value);
      answer(flight, index, AnswerStatus::ok, std::move(ok->body), ErrorCode::invalid);
    } else if (auto* error = std::get_if<messaging::SendError>(&effect)) {
      const auto [flight, life] = node.answers_to.at(error->request.value);
      node.answers_to.erase(error->request.value);
      answer(flight, index, AnswerStatus::error, {}, error->code);
    } else if (auto* hand_over = std::get_if<messaging::HandOver>(&effect)) {
      hand_overs.emplace_back(index, *hand_over);
      if (hand_over_stalls) continue;
      after(Duration(static_cast<Duration::rep>(rng_.below(30'000))), [this, index, owner = hand_over->owner] {
        act(index, [&](Context& context) { nodes_[index]->topology->on_handed_over(owner, context); });
      });
    } else if (auto* failed = std::get_if<messaging::NeighborFailed>(&effect)) {
      failures_told.emplace_back(index, failed->node);
    } else if (std::holds_alternative<messaging::RangeChanged>(effect)) {
      ++range_changes;
    }
  }
}

void RingBed::launch(std::size_t flight) {
  Flight& sending = flights_[flight];
  const Node& origin = *nodes_[sending.origin];
  if (sending.done || !origin.alive || origin.life != sending.life) return;
  if (++sending.tries > kTries) {
    if (sending.want) return attached(flight, failure("timed out"));
    return answer(flight, sending.origin, AnswerStatus::timed_out, {}, ErrorCode::invalid);
  }
  after(kRetransmit, [this, flight] { launch(flight); });
  const wire::DestinationList to = sending.request ? sending.request->to : sending.want->to;
  if (sending.request && sending.request->first_hop) {
    const NodeId first = *sending.request->first_hop;
    if (!origin.links.contains(first)) return;
    after(Duration(1000 + static_cast<Duration::rep>(rng_.below(2000))),
          [this, flight, first, to, from = origin.id] { hop(flight, index(first), from, to, 1); });
    return;
  }
  hop(flight, sending.origin, std::nullopt, to, 0);
}

void RingBed::hop(std::size_t flight, std::size_t at, std::optional<NodeId> from, wire::DestinationList to,
                  unsigned hops) {
  Node& node = *nodes_[at];
  if (!node.alive || hops > kTtl) return;
  std::optional<NodeId> next;
  while (true) {
    if (const auto* resource = std::get_if<ResourceId>(&to.front())) {
      if (node.topology->responsible(*resource)) return deliver(flight, at, from, hops);
      const auto hopped = node.topology->next_hops(*resource, hops == 0);
      if (!hopped.empty()) next = hopped.front();
      break;
    }
    const NodeId wanted = std::get<NodeId>(to.front());
    if (wanted == node.id) {
      if (to.size() == 1) return deliver(flight, at, from, hops);
      to.erase(to.begin());
      continue;
    }
    if (node.links.contains(wanted)) {
      next = wanted;
    } else if (!node.topology->responsible(wanted)) {
      const auto hopped = node.topology->next_hops(wanted, hops == 0);
      if (!hopped.empty()) next = hopped.front();
    }
    break;
  }
  if (!next) return;
  RELOAD_CHECK(*next != node.id);
  if (!node.links.contains(*next)) return;
  after(Duration(1000 + static_cast<Duration::rep>(rng_.below(2000))),
        [this, flight, target = index(*next), from_id = node.id, to, hops, life = nodes_[index(*next)]->life] {
          if (nodes_[target]->life == life) hop(flight, target, from_id, to, hops + 1);
        });
}

void RingBed::deliver(std::size_t flight, std::size_t at, std::optional<NodeId> from, unsigned hops) {
  Flight& arrived = flights_[flight];
  Node& node = *nodes_[at];
  longest_path = std::max<std::size_t>(longest_path, hops);
  if (arrived.done || !node.delivered.insert(flight).second) return;
  const Node& origin = *nodes_[arrived.origin];
  if (arrived.want) {
    if (at == arrived.origin || (reachable && !reachable(arrived.origin, at))) {
      return attached(flight, failure("no way"));
    }
    after(kHandshake, [this, flight, at, life = node.life, origin_life = origin.life] {
      const std::size_t asker = flights_[flight].origin;
      if (!nodes_[at]->alive || nodes_[at]->life != life || !nodes_[asker]->alive ||
          nodes_[asker]->life != origin_life) {
        return;
      }
      link(asker, at);
      attached(flight, id(at));
      if (flights_[flight].want->send_update) {
        act(at, [&](Context& context) { nodes_[at]->topology->on_update_wanted(id(asker), context); });
      }
    });
    return;
  }
  const messaging::SendRequest& request = *arrived.request;
  if (request.code == MessageCode::ping_req) {
    return answer(flight, at, AnswerStatus::ok, wire::encode(wire::PingAns{}), ErrorCode::invalid);
  }
  node.answers_to[flight] = {flight, arrived.life};
  messaging::Request received;
  received.id = RequestId{flight};
  received.code = request.code;
  const Bytes body = request.body;
  received.body = body;
  received.signer = {certificate_, origin.id};
  if (from) received.link_node = *from;
  received.destination = request.to.back();
  act(at, [&](Context& context) { node.topology->on_request(received, context); });
}

void RingBed::answer(std::size_t flight, std::size_t from, AnswerStatus status, Bytes body, ErrorCode error) {
  if (flights_[flight].done) return;
  flights_[flight].done = true;
  after(Duration(1000 + static_cast<Duration::rep>(rng_.below(3000))), [this, flight, from, status, body, error] {
    const Flight& back = flights_[flight];
    if (nodes_[back.origin]->life != back.life) return;
    messaging::Answer answer;
    answer.status = status;
    answer.body = body;
    answer.error = error;
    if (status != AnswerStatus::timed_out) answer.signer = {certificate_, id(from)};
    const messaging::Token token = back.request->token;
    const std::size_t origin = back.origin;
    act(origin, [&](Context& context) { nodes_[origin]->topology->on_answer(token, answer, context); });
  });
}

void RingBed::attached(std::size_t flight, Result<NodeId> node) {
  if (flights_[flight].done) return;
  flights_[flight].done = true;
  const std::size_t origin = flights_[flight].origin;
  if (nodes_[origin]->life != flights_[flight].life) return;
  const std::uint64_t number = flights_[flight].want->number;
  act(origin, [&](Context& context) { nodes_[origin]->topology->on_attach_done(number, node, context); });
}

void RingBed::link(std::size_t a, std::size_t b) {
  if (!alive(a) || !alive(b)) return;
  if (nodes_[a]->links.insert(id(b)).second) {
    act(a, [&](Context& context) { nodes_[a]->topology->on_link_up(id(b), context); });
  }
  if (nodes_[b]->links.insert(id(a)).second) {
    act(b, [&](Context& context) { nodes_[b]->topology->on_link_up(id(a), context); });
  }
}

void RingBed::unlink(std::size_t a, std::size_t b) {
  for (const auto& [end, other] : {std::pair(a, b), std::pair(b, a)}) {
    if (nodes_[end]->links.erase(id(other)) == 0) continue;
    after(Duration(static_cast<Duration::rep>(rng_.below(3000))),
          [this, end = end, other = other, life = nodes_[end]->life] {
            if (nodes_[end]->life != life || nodes_[end]->links.contains(id(other))) return;
            act(end, [&](Context& context) { nodes_[end]->topology->on_link_down(id(other), context); });
          });
  }
}

void RingBed::start_first(std::size_t node) {
  act(node, [&](Context& context) { nodes_[node]->topology->start_first(context); });
}

void RingBed::start_join(std::size_t node, std::size_t bootstrap) {
  nodes_[node]->bootstrap = bootstrap;
  link(node, bootstrap);
  act(node, [&](Context& context) { nodes_[node]->topology->start_join(id(bootstrap), context); });
  after(1s, [this, node, life = nodes_[node]->life] {
    if (nodes_[node]->life == life) find_bootstrap(node);
  });
}

void RingBed::find_bootstrap(std::size_t node) {
  if (!alive(node)) return;
  if (nodes_[node]->topology->status_state() == JoinState::idle) {
    for (std::size_t other = 0; other < size(); ++other) {
      if (other != node && alive(other) && nodes_[other]->topology->joined() && !nodes_[other]->client) {
        return start_join(node, other);
      }
    }
  }
  after(1s, [this, node, life = nodes_[node]->life] {
    if (nodes_[node]->life == life) find_bootstrap(node);
  });
}

void RingBed::leave(std::size_t node) {
  act(node, [&](Context& context) { nodes_[node]->topology->leave(context); });
  after(5s, [this, node, life = nodes_[node]->life] {
    if (nodes_[node]->life == life) crash(node);
  });
}

void RingBed::crash(std::size_t node) {
  nodes_[node]->alive = false;
  ++nodes_[node]->life;
  const std::set<NodeId> links = nodes_[node]->links;
  for (const NodeId& other : links) unlink(node, index(other));
  nodes_[node]->answers_to.clear();
  nodes_[node]->effects.clear();
  nodes_[node]->tick.reset();
}

void RingBed::restart(std::size_t node) {
  nodes_[node]->alive = true;
  nodes_[node]->topology = nodes_[node]->client ? make_client(id(node)) : make_chord(id(node));
}

void RingBed::check_partition(std::size_t node, std::size_t bootstrap) {
  link(node, bootstrap);
  act(node, [&](Context& context) { nodes_[node]->topology->on_partition_check(id(bootstrap), context); });
}

void RingBed::run(Duration time) {
  run_until([] { return false; }, time);
}

Duration RingBed::run_until(const std::function<bool()>& done, Duration limit) {
  const Mono start = now;
  const Mono end = now + limit;
  Mono check = now;
  while (!events_.empty() && events_.top().at <= end) {
    const Event event = events_.top();
    events_.pop();
    now = event.at;
    event.what();
    if (now < check) continue;
    check = now + 20ms;
    if (done()) return now - start;
  }
  now = end;
  return limit;
}

std::vector<std::size_t> RingBed::living() const {
  std::vector<std::size_t> peers;
  for (const auto& [node, at] : by_id_) {
    if (nodes_[at]->alive && !nodes_[at]->client && nodes_[at]->topology->status_state() != JoinState::left) {
      peers.push_back(at);
    }
  }
  return peers;
}

std::optional<std::size_t> RingBed::lookup(std::size_t from, const ResourceId& resource) {
  std::size_t at = from;
  for (std::size_t hops = 0; hops <= kTtl; ++hops) {
    if (nodes_[at]->topology->responsible(resource)) return hops;
    const std::vector<NodeId> next = nodes_[at]->topology->next_hops(resource, hops == 0);
    if (next.empty() || !nodes_[at]->links.contains(next.front())) return std::nullopt;
    at = index(next.front());
    if (!alive(at)) return std::nullopt;
  }
  return std::nullopt;
}

std::string RingBed::fault(bool hops) {
  const std::vector<std::size_t> peers = living();
  const std::size_t count = peers.size();
  std::ostringstream wrong;
  for (std::size_t i = 0; i < count; ++i) {
    const TopologyStatus status = chord(peers[i]).status();
    if (status.state != JoinState::joined) {
      wrong << i << " is in state " << static_cast<int>(status.state);
      return wrong.str();
    }
    std::vector<NodeId> after;
    std::vector<NodeId> before;
    if (status.successors.size() < std::min(limits::kNeighborsEachSide, count - 1)) {
      wrong << i << " has too few successors";
      return wrong.str();
    }
    for (std::size_t step = 1; step <= status.successors.size(); ++step) {
      after.push_back(id(peers[(i + step) % count]));
      before.push_back(id(peers[(i + count - step) % count]));
    }
    if (status.successors != after) wrong << i << " has wrong successors; ";
    if (status.predecessors != before) wrong << i << " has wrong predecessors; ";
    if (!status.successor_answers) wrong << i << " has not heard from its successor; ";
    const ring::Point here = ring::to_point(id(peers[i]).view());
    const ring::Point start = count == 1 ? here : ring::to_point(before.front().view());
    for (const ring::Point point : {here, start + 1, here - (ring::distance(start, here) - 1) / 2}) {
      for (std::size_t j = 0; j < count; ++j) {
        if (chord(peers[j]).responsible(ring::to_resource(point)) != (i == j)) {
          wrong << j << (i == j ? " lacks" : " claims") << " a point of " << i << "; ";
        }
      }
    }
    if (!wrong.str().empty()) return wrong.str();
  }
  if (!hops) return {};
  const auto bound = static_cast<std::size_t>(std::ceil(std::log2(count + 1))) + 2;
  for (std::size_t from : peers) {
    for (int i = 0; i < 20; ++i) {
      const auto path = lookup(from, ring::to_resource(ring::to_point(random_id().view())));
      if (!path) return "a lookup got lost";
      if (*path > bound) {
        wrong << "a lookup took " << *path << " hops among " << count << "; ";
        return wrong.str();
      }
    }
  }
  return {};
}

}  // namespace reload::topology::test
