// CHORD-RELOAD (6940 10) between whole nodes: when copies are made, and how a torn overlay finds itself again.
#include <doctest/doctest.h>

#include <algorithm>

#include "sim/check_ring.hpp"

using namespace reload;
using namespace reload::sim;

namespace {

constexpr KindId kKind = wire::kKindSipRegistration;

void start_ring(World& world, std::size_t peers) {
  for (std::size_t i = 0; i < peers; ++i) world.add_node();
  for (std::size_t i = 0; i < peers; ++i) {
    world.start(i);
    world.run_for(500ms);
  }
  REQUIRE(becomes_whole(world, 60s));
}

// Stores a value of a user that `host` hosts; the user's name.
std::string store_value(World& world, std::size_t host, std::size_t number) {
  const std::string user = world.add_user(host, "user" + std::to_string(number));
  overlay::StoreRequest request;
  request.name = user;
  request.kind = kKind;
  request.value.key = to_bytes(world.overlay(host).user_node_id(user)->view());
  request.value.bytes = to_bytes(as_bytes("value of " + user));
  request.lifetime = 3600;
  request.user = user;
  bool stored = false;
  world.overlay(host).store(std::move(request), [&](const auto& outcome) { stored = !!outcome; });
  CHECK(world.run_until([&] { return stored; }, 15s));
  return user;
}

// The running peers in the order of the ring.
std::vector<std::size_t> in_order(World& world) {
  std::vector<std::size_t> ring;
  for (std::size_t i = 0; i < world.size(); ++i) {
    if (world.running(i)) ring.push_back(i);
  }
  std::ranges::sort(ring, {}, [&](std::size_t i) { return world.node(i).self(); });
  return ring;
}

}  // namespace

TEST_CASE(
    "6940-10.7.1-3, 6940-3-6: behind a lost successor copies are made again after 30 s, but a Store is acknowledged "
    "with "
    "three copies at any time") {
  for (std::uint64_t seed = 600; seed < 605; ++seed) {
    INFO("seed " << seed);
    World world({.seed = seed});
    start_ring(world, 8);
    const std::vector<std::size_t> ring = in_order(world);
    const auto widest =
        std::ranges::max_element(ring, {}, [&](std::size_t i) { return world.node(i).route().responsible_ppb(); });
    const std::size_t owner = *widest;
    const std::size_t successor = ring[static_cast<std::size_t>(widest - ring.begin() + 1) % ring.size()];
    std::vector<std::string> before;
    std::vector<std::string> during;
    std::size_t number = 0;
    const auto store_some = [&](std::vector<std::string>& users) {
      while (users.size() < 4) {
        const std::string user = store_value(world, owner, number++);
        if (world.node(owner).route().responsible(world.node(owner).resource(user))) users.push_back(user);
        REQUIRE(number < 500);
      }
    };
    const auto copies_of = [&](const std::string& user) {
      return holders(world, world.node(owner).resource(user), kKind);
    };
    store_some(before);
    for (const std::string& user : before) CHECK(copies_of(user) == 3);
    world.crash(successor);
    const Mono lost = world.now();
    REQUIRE(becomes_whole(world, 10s));
    // `store_some` ends long before the 30 s, with acknowledgements.
    store_some(during);
    for (const std::string& user : during) CHECK(copies_of(user) == 3);
    world.run_for(lost + 29s - world.now());
    for (const std::string& user : before) CHECK(copies_of(user) == 2);
    world.run_for(10s);
    for (const std::string& user : before) CHECK(copies_of(user) == 3);
  }
}

TEST_CASE("6940-10.7.1-9, 6940-10.7.1-10: a peer that lost all others joins again soon after it can") {
  for (std::uint64_t seed = 620; seed < 625; ++seed) {
    INFO("seed " << seed);
    World world({.seed = seed});  // the interval of periodic checks is 600 s
    start_ring(world, 7);
    const std::string user = store_value(world, 1, 0);
    world.network().partition({4});
    world.run_for(120s);
    CHECK(world.node(4).status(world.now_of(4)).links.empty());
    world.network().heal();
    const bool healed = becomes_whole(world, 25s);
    INFO(ring_fault(world));
    CHECK(healed);
    std::size_t found = 0;
    world.overlay(4).fetch({user, kKind, {}}, [&](const auto& outcome) { found = outcome ? outcome->size() : 0; });
    world.run_for(5s);
    CHECK(found == 1);
  }
}

TEST_CASE("6940-10.7.4.4-1: the periodic look for a bootstrap node makes one ring of two") {
  for (std::uint64_t seed = 640; seed < 645; ++seed) {
    INFO("seed " << seed);
    World world({.seed = seed, .update_interval = std::chrono::seconds(90)});
    start_ring(world, 6);
    world.network().partition({3, 4, 5});
    world.run_for(100s);
    for (std::size_t i = 0; i < 6; ++i) {
      CHECK(world.node(i).joined());
      CHECK(world.node(i).status(world.now_of(i)).topology.successors.size() == 2);  // two rings of three
    }
    world.network().heal();
    const bool healed = becomes_whole(world, 120s);
    INFO(ring_fault(world));
    CHECK(healed);
  }
}
