#include "sim/churn.hpp"

#include <algorithm>

#include "reload/base/limits.hpp"

namespace reload::sim {

namespace {

constexpr Duration kLeaveTime = 20s;  // topology ends a Leave long before
constexpr Duration kLeaveLook = 100ms;
// The hold-down begins when a failure is noticed, and copies take their way when it is over.
constexpr Duration kCopyTime = 5s;

}  // namespace

Churn::Churn(World& world, ChurnOptions options, std::function<void(std::size_t)> started)
    : world_(world), options_(options), holders_(world.options().copies()), started_(std::move(started)) {}

void Churn::start() {
  going_ = true;
  ++round_;
  if (options_.session == Duration::zero()) return;
  for (std::size_t i = options_.stable; i < world_.size(); ++i)
    if (world_.running(i)) plan_end(i);
}

void Churn::stop() { going_ = false; }

void Churn::plan_end(std::size_t index) {
  const std::uint64_t life = world_.life(index);
  world_.schedule(exponential(options_.session, world_.rng()), [this, index, life, round = round_] {
    if (going_ && round == round_ && world_.life(index) == life && world_.running(index)) end(index);
  });
}

void Churn::end(std::size_t index) {
  if (world_.rng().below(100) >= options_.leave_per_cent) {
    crash(index);
    return away(index);
  }
  ++leaves_;
  world_.leave(index);
  end_when_left(index, world_.life(index), world_.now() + kLeaveTime);
}

// The process of a peer that left ends.
void Churn::end_when_left(std::size_t index, std::uint64_t life, Mono latest) {
  if (world_.life(index) != life || !world_.running(index)) return;
  if (world_.node(index).topology().state != topology::JoinState::left && world_.now() < latest) {
    world_.schedule(kLeaveLook, [this, index, life, latest] { end_when_left(index, life, latest); });
    return;
  }
  world_.crash(index);
  away(index);
}

void Churn::crash(std::size_t index) {
  ++crashes_;
  const NodeId node = world_.id(index);
  world_.crash(index);
  killed_at_[index] = world_.now();
  note_crash(node);
}

void Churn::away(std::size_t index) {
  if (options_.session == Duration::zero()) return;
  world_.schedule(exponential(options_.absence, world_.rng()), [this, index, round = round_] {
    if (!going_ || round != round_ || world_.running(index)) return;
    ++starts_;
    world_.start(index);
    plan_end(index);
    started_(index);
  });
}

void Churn::note_crash(const NodeId& node) {
  gone_.push_back({world_.now(), node});
  while (world_.now() - gone_.front().at > limits::kReplicaHoldDown) gone_.pop_front();
  if (gone_.size() < holders_) return;
  std::vector<std::pair<NodeId, bool>> ring;  // and whether it is gone
  for (const Gone& entry : gone_) ring.emplace_back(entry.node, true);
  // Who is leaving has given away what it held.
  for (std::size_t i = 0; i < world_.size(); ++i)
    if (world_.running(i) && world_.is_peer(i) && world_.node(i).topology().state == topology::JoinState::joined)
      ring.emplace_back(world_.id(i), false);
  std::ranges::sort(ring);
  // A peer that was killed and is back counts as there: false sorts before true.
  const auto same = [](const auto& a, const auto& b) { return a.first == b.first; };
  ring.erase(std::unique(ring.begin(), ring.end(), same), ring.end());
  // The run of gone peers around this one.
  const std::size_t size = ring.size();
  const auto at =
      static_cast<std::size_t>(std::ranges::find(ring, node, &std::pair<NodeId, bool>::first) - ring.begin());
  std::size_t before = 0;
  while (before + 1 < size && ring[(at + size - before - 1) % size].second) ++before;
  std::size_t after = 0;
  while (after + before + 1 < size && ring[(at + after + 1) % size].second) ++after;
  const std::size_t run = before + 1 + after;
  if (run < holders_) return;
  ++triples_;
  const std::size_t first = (at + size - before) % size;
  excuses_.push_back({world_.now(), ring::to_point(ring[(first + size - 1) % size].first.view()),
                      ring::to_point(ring[(first + run - holders_) % size].first.view())});
}

bool Churn::excused(const ResourceId& resource, Mono since) const {
  const ring::Point point = ring::to_point(resource.view());
  return std::ranges::any_of(excuses_, [&](const Excuse& excuse) {
    return excuse.at >= since && ring::in_open_closed(point, excuse.from, excuse.to);
  });
}

std::optional<Mono> Churn::killed_at(std::size_t index) const {
  const auto found = killed_at_.find(index);
  return found == killed_at_.end() ? std::nullopt : std::optional(found->second);
}

bool Churn::excused(const std::vector<std::size_t>& holders) const {
  std::vector<Mono> times;
  for (const std::size_t node : holders)
    if (const auto at = killed_at(node)) times.push_back(*at);
  std::ranges::sort(times);
  return times.size() >= holders_ &&
         times.back() - times[times.size() - holders_] <= limits::kReplicaHoldDown + kCopyTime;
}

}  // namespace reload::sim
