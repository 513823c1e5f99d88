#include "sim/check_ring.hpp"

#include <algorithm>

#include "reload/base/ring.hpp"

namespace reload::sim {

namespace {

// What is wrong between two peers of which `second` follows `first`.
std::string pair_fault(World& world, std::size_t first, std::size_t second) {
  const auto before = world.node(first).topology();
  const auto after = world.node(second).topology();
  const std::string who = "nodes " + std::to_string(first) + " and " + std::to_string(second) + ": ";
  if (before.successors.empty() || before.successors.front() != world.id(second)) return who + "a wrong successor";
  if (after.predecessors.empty() || after.predecessors.front() != world.id(first)) return who + "a wrong predecessor";
  const auto& first_route = world.node(first).route();
  const auto& second_route = world.node(second).route();
  // Just before, at and just after the border of their ranges: exactly one of the two is responsible.
  const ring::Point border = ring::to_point(world.id(first).view());
  for (const ring::Point point : {border, border + 1, ring::to_point(world.id(second).view())}) {
    const ResourceId resource = ring::to_resource(point);
    if (first_route.responsible(resource) == second_route.responsible(resource))
      return who + (first_route.responsible(resource) ? "both are" : "neither is") + " responsible for one point";
  }
  return {};
}

// A stream breaks at once. A datagram link on which all five transmissions of one message were lost, which at 5 % loss
// each way is one message in 100,000, says nothing for 31 timeouts before it is closed and made anew (6940 6.6.3.1):
// the timeout is doubled each time, and begins with about three round trips (RFC 6298) and no less than 200 ms.
Duration time_to_replace_link(const WorldOptions& options) {
  if (!options.datagrams) return Duration::zero();
  const Duration round_trip = 2 * options.network.latency.mean();
  return 31 * std::max<Duration>(200ms, 3 * round_trip) + Duration(5s);
}

}  // namespace

std::vector<std::pair<NodeId, std::size_t>> ring_of(World& world) {
  std::vector<std::pair<NodeId, std::size_t>> ring;
  for (std::size_t i = 0; i < world.size(); ++i)
    if (world.running(i) && world.is_peer(i) && world.node(i).topology().state != topology::JoinState::left)
      ring.emplace_back(world.id(i), i);
  std::ranges::sort(ring);
  return ring;
}

std::string ring_fault(World& world) {
  const auto ring = ring_of(world);
  for (const auto& [id, index] : ring)
    if (!world.node(index).joined()) return "node " + std::to_string(index) + " has not joined";
  if (ring.size() < 2) return {};
  for (std::size_t at = 0; at < ring.size(); ++at)
    if (auto fault = pair_fault(world, ring[at].second, ring[(at + 1) % ring.size()].second); !fault.empty())
      return fault;
  // Ranges that end where the next begins overlap nowhere if together they go round once: none holds a far peer's id.
  constexpr std::size_t kStride = 7;
  for (std::size_t at = 0; at < ring.size(); ++at) {
    const ResourceId point(ring[at].first.view());
    for (std::size_t far = at + 1; far < at + ring.size(); far += std::max(kStride, ring.size() / 16))
      if (world.node(ring[far % ring.size()].second).route().responsible(point))
        return "node " + std::to_string(ring[far % ring.size()].second) + " is responsible for a far peer's id";
  }
  return {};
}

bool becomes_whole(World& world, Duration limit, Duration every) {
  const Mono end = world.now() + limit;
  while (!ring_fault(world).empty()) {
    if (world.now() >= end) return false;
    world.run_for(every);
  }
  return true;
}

std::size_t holders(World& world, const ResourceId& resource, KindId kind) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < world.size(); ++i)
    if (world.running(i) && !world.store(i).values({resource, kind}).empty()) ++count;
  return count;
}

RingCheck::RingCheck(World& world, Duration settled)
    : world_(world), acquaintance_(world), settled_(settled), patience_(time_to_replace_link(world.options())) {}

void RingCheck::on_parted() {
  pairs_.clear();
  acquaintance_.note();
}

void RingCheck::on_healed() {
  pairs_.clear();
  acquaintance_.forget();
}

void RingCheck::look() {
  std::map<std::size_t, Pair> pairs;
  for (const auto& ring : acquaintance_.parts()) look_at(ring, pairs);
  pairs_ = std::move(pairs);
}

void RingCheck::look_at(const std::vector<std::size_t>& ring, std::map<std::size_t, Pair>& pairs) {
  if (ring.size() < 2) return;
  for (std::size_t at = 0; at < ring.size(); ++at) {
    const std::size_t first = ring[at];
    const std::size_t second = ring[(at + 1) % ring.size()];
    Pair pair{second, world_.life(first), world_.life(second), world_.now()};
    if (const auto old = pairs_.find(first); old != pairs_.end() && old->second.successor == second &&
                                             old->second.life == pair.life &&
                                             old->second.successor_life == pair.successor_life)
      pair = old->second;
    const std::string fault = pair_fault(world_, first, second);
    ++seen_;
    if (!fault.empty()) ++unaware_;
    if (world_.now() - pair.since >= settled_) {
      ++looked_;
      if (!fault.empty() && pair.unaware_since && world_.now() - *pair.unaware_since >= patience_ &&
          !std::exchange(pair.counted, true)) {
        ++faults_;
        if (first_.empty()) first_ = in_seconds(world_.now().time_since_epoch()) + ": " + fault;
      }
    }
    if (fault.empty()) {
      pair.unaware_since.reset();
    } else if (!pair.unaware_since) {
      pair.unaware_since = world_.now();
    }
    pairs[first] = pair;
  }
}

}  // namespace reload::sim
