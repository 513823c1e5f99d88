// Rings whose links are datagrams that get lost (6940 6.6.3).
#include <doctest/doctest.h>

#include "sim/check_ring.hpp"

using namespace reload;
using namespace reload::sim;

namespace {

constexpr KindId kKind = wire::kKindSipRegistration;

std::uint64_t sum(World& world, Counter counter) {
  std::uint64_t all = 0;
  for (std::size_t i = 0; i < world.size(); ++i) all += world.node(i).counters().get(counter);
  return all;
}

}  // namespace

TEST_CASE("6940-6.6.3-1, 6940-6.6.3.1-10: a ring whose links lose a tenth of all datagrams each way forms and serves") {
  for (std::uint64_t seed = 700; seed < 703; ++seed) {
    INFO("seed " << seed);
    World world({.seed = seed, .network = {.loss_per_mille = 100}, .datagrams = true});
    constexpr std::size_t kPeers = 12;
    for (std::size_t i = 0; i < kPeers; ++i) world.add_node();
    for (std::size_t i = 0; i < kPeers; ++i) {
      world.start(i);
      world.run_for(1s);
    }
    const bool formed = becomes_whole(world, 120s);
    INFO(ring_fault(world));
    CHECK(formed);
    std::vector<std::string> users;
    std::size_t stored = 0;
    for (std::size_t i = 0; i < 30; ++i) {
      const std::size_t host = i % kPeers;
      users.push_back(world.add_user(host, "user" + std::to_string(i)));
      overlay::StoreRequest request;
      request.name = users.back();
      request.kind = kKind;
      request.value.key = to_bytes(world.overlay(host).user_node_id(users.back())->view());
      request.value.bytes = to_bytes(as_bytes("value of " + users.back()));
      request.lifetime = 3600;
      request.user = users.back();
      world.overlay(host).store(std::move(request), [&](const auto& outcome) { stored += outcome ? 1U : 0U; });
      world.run_for(200ms);
    }
    CHECK(world.run_until([&] { return stored == users.size(); }, 60s));
    std::size_t found = 0;
    for (std::size_t i = 0; i < users.size(); ++i) {
      world.overlay((i + 5) % kPeers).fetch({users[i], kKind, {}}, [&](const auto& outcome) {
        found += outcome && outcome->size() == 1 ? 1U : 0U;
      });
      world.run_for(200ms);
    }
    CHECK(world.run_until([&] { return found == users.size(); }, 60s));
    world.run_for(600s);
    CHECK(becomes_whole(world, 30s));
    MESSAGE(sum(world, Counter::frames_sent) << " messages, " << sum(world, Counter::frames_resent) << " sent again, "
                                             << sum(world, Counter::requests_retransmitted) << " requests sent again, "
                                             << sum(world, Counter::fragments_received) << " fragments, "
                                             << sum(world, Counter::links_suspect) << " suspect, "
                                             << sum(world, Counter::links_closed) << " closed, "
                                             << sum(world, Counter::messages_dropped_queue) << " dropped");
  }
}
