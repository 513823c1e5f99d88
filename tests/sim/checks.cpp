#include "tests/sim/checks.hpp"

#include <algorithm>

namespace reload::sim {

namespace {

std::vector<std::pair<NodeId, std::size_t>> ring_of(World& world) {
  std::vector<std::pair<NodeId, std::size_t>> ring;
  for (std::size_t i = 0; i < world.size(); ++i)
    if (world.running(i) && world.is_peer(i) &&
        world.node(i).status(world.now_of(i)).topology.state != topology::JoinState::left)
      ring.emplace_back(world.node(i).self(), i);
  std::ranges::sort(ring);
  return ring;
}

}  // namespace

std::string ring_fault(World& world) {
  const auto ring = ring_of(world);
  for (std::size_t at = 0; at < ring.size(); ++at) {
    const auto& [id, index] = ring[at];
    const auto status = world.node(index).status(world.now_of(index)).topology;
    const std::string who = "node " + std::to_string(index);
    if (status.state != topology::JoinState::joined) return who + " has not joined";
    if (ring.size() == 1) continue;
    const NodeId& successor = ring[(at + 1) % ring.size()].first;
    const NodeId& predecessor = ring[(at + ring.size() - 1) % ring.size()].first;
    if (status.successors.empty() || status.successors.front() != successor) return who + " has a wrong successor";
    if (status.predecessors.empty() || status.predecessors.front() != predecessor)
      return who + " has a wrong predecessor";
    // Just before, at and just after its own id: exactly one peer is responsible for each point.
    for (const NodeId& point : {id, predecessor}) {
      std::size_t responsible = 0;
      for (const auto& [other, i] : ring)
        if (world.node(i).route().responsible(ResourceId(point.view()))) ++responsible;
      if (responsible != 1) return std::to_string(responsible) + " peers are responsible for one point";
    }
  }
  return {};
}

bool becomes_whole(World& world, Duration limit) {
  const Mono end = world.now() + limit;
  while (!ring_fault(world).empty()) {
    if (world.now() >= end) return false;
    world.run_for(50ms);
  }
  return true;
}

std::size_t holders(World& world, const ResourceId& resource, KindId kind) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < world.size(); ++i)
    if (world.running(i) && !world.store(i).values({resource, kind}).empty()) ++count;
  return count;
}

}  // namespace reload::sim
