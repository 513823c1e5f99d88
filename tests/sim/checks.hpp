// What must hold of a ring at rest.
#pragma once

#include <string>

#include "tests/sim/world.hpp"

namespace reload::sim {

// Empty when all running peers form one ring: each joined, its nearest predecessor and successor the true ones, and
// responsibility covers all and overlaps nowhere. Else what is wrong, of the first peer found.
[[nodiscard]] std::string ring_fault(World& world);
// Runs the world until its ring has no fault, looked at every 50 ms (the look costs more than the events between).
bool becomes_whole(World& world, Duration limit);
// How many running peers hold the resource's value.
[[nodiscard]] std::size_t holders(World& world, const ResourceId& resource, KindId kind);

}  // namespace reload::sim
