#include "sim/acquaintance.hpp"

#include <array>
#include <numeric>

#include "sim/check_ring.hpp"

namespace reload::sim {

namespace {

// The least of the peers that `node` is connected with, by the links taken so far.
std::size_t root_of(std::vector<std::size_t>& above, std::size_t node) {
  while (above[node] != node) node = above[node] = above[above[node]];
  return node;
}

}  // namespace

void Acquaintance::note() { links_ = links(); }

std::vector<Acquaintance::Known> Acquaintance::links() const {
  const auto ring = ring_of(world_);
  const std::map<NodeId, std::size_t> numbers(ring.begin(), ring.end());
  std::vector<Known> found;
  for (const auto& [id, node] : ring) {
    for (const node::LinkInfo& link : world_.node(node).status(world_.now_of(node)).links) {
      const auto other = numbers.find(link.node);
      if (other != numbers.end() && world_.network().reaches(node, other->second))
        found.push_back({node, world_.life(node), other->second, world_.life(other->second)});
    }
  }
  return found;
}

std::vector<std::vector<std::size_t>> Acquaintance::parts() const {
  std::vector<std::size_t> above(world_.size());
  std::iota(above.begin(), above.end(), std::size_t{0});
  const auto connect = [&](std::size_t a, std::size_t b) {
    a = root_of(above, a);
    b = root_of(above, b);
    above[std::max(a, b)] = std::min(a, b);
  };
  for (const Known& link : links_)
    if (world_.life(link.node) == link.life && world_.life(link.other) == link.other_life)
      connect(link.node, link.other);
  for (const Known& link : links()) connect(link.node, link.other);

  std::array<std::optional<std::size_t>, 2> bootstrap;  // of each side
  for (std::size_t node = 0; node < world_.size(); ++node)
    if (is_bootstrap(node) && !bootstrap[world_.network().side(node)]) bootstrap[world_.network().side(node)] = node;
  for (std::size_t node = 0; node < world_.size(); ++node)
    if (const auto& through = bootstrap[world_.network().side(node)]) connect(node, *through);

  std::map<std::size_t, std::vector<std::size_t>> parts;
  for (const auto& [id, node] : ring_of(world_))
    if (world_.node(node).joined()) parts[root_of(above, node)].push_back(node);
  std::vector<std::vector<std::size_t>> all;
  for (auto& [root, part] : parts) all.push_back(std::move(part));
  return all;
}

}  // namespace reload::sim
