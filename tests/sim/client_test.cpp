// Clients on a ring of whole nodes (6940 4.2): they attach, use the overlay, are reached, and follow the ring's
// changes.
#include <doctest/doctest.h>

#include <algorithm>

#include "sim/check_ring.hpp"

using namespace reload;
using namespace reload::sim;

namespace {

constexpr KindId kKind = wire::kKindSipRegistration;

struct Bed {
  World world;
  std::size_t client = 0;

  Bed(std::uint64_t seed, std::size_t peers) : world({.seed = seed, .bootstrap_nodes = peers}) {
    for (std::size_t i = 0; i < peers; ++i) world.add_node();
    for (std::size_t i = 0; i < peers; ++i) {
      world.start(i);
      world.run_for(500ms);
    }
    REQUIRE(world.run_until([&] { return ring_fault(world).empty(); }, 60s));
    client = world.add_node(node::Role::client);
    world.start(client);
    REQUIRE(world.run_until([&] { return world.node(client).joined(); }, 5s));
  }

  [[nodiscard]] std::size_t in_charge_of(const ResourceId& resource) {
    for (std::size_t i = 0; i < world.size(); ++i)
      if (world.running(i) && world.is_peer(i) && world.node(i).route().responsible(resource)) return i;
    FAIL("nobody is in charge of " << resource.hex());
    return 0;
  }
  [[nodiscard]] std::size_t in_charge_of_client() { return in_charge_of(ResourceId(world.node(client).self().view())); }
  [[nodiscard]] std::vector<NodeId> attached_to() {
    return world.node(client).status(world.now_of(client)).topology.successors;
  }
  [[nodiscard]] bool attached_well() { return attached_to() == std::vector{world.node(in_charge_of_client()).self()}; }

  // The responder to a Ping, or nothing.
  std::optional<NodeId> ping(std::size_t from, const wire::Destination& to) {
    std::optional<overlay::Outcome<node::PingDone>> outcome;
    world.overlay(from).ping({to}, [&](const auto& result) { outcome = result; });
    REQUIRE(world.run_until([&] { return outcome.has_value(); }, 30s));
    return *outcome ? std::optional((*outcome)->responder) : std::nullopt;
  }
  overlay::Outcome<overlay::Stored> store(std::size_t at, const std::string& user, const std::string& text) {
    overlay::StoreRequest request;
    request.name = user;
    request.kind = kKind;
    request.value.key = to_bytes(world.overlay(at).user_node_id(user)->view());
    request.value.bytes = to_bytes(as_bytes(text));
    request.user = user;
    std::optional<overlay::Outcome<overlay::Stored>> outcome;
    world.overlay(at).store(std::move(request), [&](const auto& result) { outcome = result; });
    REQUIRE(world.run_until([&] { return outcome.has_value(); }, 60s));
    return *outcome;
  }
  std::string fetch(std::size_t at, const std::string& user) {
    std::optional<overlay::Outcome<std::vector<overlay::FetchedValue>>> outcome;
    world.overlay(at).fetch({user, kKind, {}}, [&](const auto& result) { outcome = result; });
    REQUIRE(world.run_until([&] { return outcome.has_value(); }, 60s));
    if (!*outcome) return (*outcome).error().text;
    return (*outcome)->size() == 1 ? std::string(as_text((*outcome)->front().value.bytes)) : "";
  }
};

}  // namespace

TEST_CASE(
    "6940-4.2.1-1: a client attaches to the peer in charge of its Node-ID, and is reached there from every peer") {
  Bed bed(21, 8);
  CHECK(bed.world.run_until([&] { return bed.attached_well(); }, 5s));
  const NodeId self = bed.world.node(bed.client).self();
  for (std::size_t i = 0; i < 8; ++i) CHECK(bed.ping(i, self) == self);  // 6940-4.3-1, 6940-6.1.1-9
}

TEST_CASE("6940-4.2.1-3: from the first link on it uses the overlay through whichever peer that leads to") {
  Bed bed(22, 8);
  const ResourceId resource = bed.world.node(bed.client).resource("somebody@sim.example");
  const NodeId expected = bed.world.node(bed.in_charge_of(resource)).self();
  CHECK(bed.ping(bed.client, resource) == expected);
  for (std::size_t i = 0; i < 8; ++i) {
    const NodeId peer = bed.world.node(i).self();
    CHECK(bed.ping(bed.client, peer) == peer);
  }
}

TEST_CASE("6940-4.2.2-2, 6940-4.2.2-4: it stores and fetches, signed as peers sign") {
  Bed bed(23, 8);
  const std::string user = bed.world.add_user(bed.client, "roamer");
  CHECK(bed.store(bed.client, user, "where the roamer is"));
  for (std::size_t i = 0; i < 8; ++i) CHECK(bed.fetch(i, user) == "where the roamer is");
  const std::string other = bed.world.add_user(3, "resident");
  CHECK(bed.store(3, other, "where the resident is"));
  CHECK(bed.fetch(bed.client, other) == "where the resident is");
  CHECK(bed.fetch(bed.client, "nobody@sim.example").empty());
}

TEST_CASE("6940-3-10, 6940-4.5.2-4: it stores nothing for the overlay and is in no routing table") {
  Bed bed(24, 6);
  for (int i = 0; i < 20; ++i) {
    const std::size_t host = static_cast<std::size_t>(i) % 6;
    const std::string user = bed.world.add_user(host, "user" + std::to_string(i));
    CHECK(bed.store(host, user, "value"));
  }
  bed.world.run_for(30s);
  CHECK(bed.world.store(bed.client).value_count() == 0);
  CHECK(bed.world.node(bed.client).counters().get(Counter::messages_forwarded) == 0);
  CHECK(ring_fault(bed.world).empty());
  const NodeId self = bed.world.node(bed.client).self();
  for (std::size_t i = 0; i < 6; ++i) {
    const auto status = bed.world.node(i).status(bed.world.now_of(i)).topology;
    for (const auto& table : {status.predecessors, status.successors, status.fingers})
      CHECK(std::find(table.begin(), table.end(), self) == table.end());
  }
}

TEST_CASE("its peer gone, it attaches elsewhere, finds what it stored and is found") {
  Bed bed(25, 8);
  REQUIRE(bed.world.run_until([&] { return bed.attached_well(); }, 5s));
  const std::string user = bed.world.add_user(bed.client, "roamer");
  REQUIRE(bed.store(bed.client, user, "still here"));
  for (int kills = 0; kills < 3; ++kills) {
    bed.world.crash(bed.in_charge_of_client());
    CHECK(bed.world.run_until([&] { return ring_fault(bed.world).empty() && bed.attached_well(); }, 15s));
    INFO(ring_fault(bed.world));
    CHECK(bed.fetch(bed.client, user) == "still here");
    const NodeId self = bed.world.node(bed.client).self();
    CHECK(bed.ping(bed.in_charge_of(bed.world.node(bed.client).resource(user)), self) == self);
  }
}

TEST_CASE("6940-4.2.1-2: peers that join take a client over when they are in charge of it") {
  Bed bed(26, 3);
  REQUIRE(bed.world.run_until([&] { return bed.attached_well(); }, 5s));
  const std::vector<NodeId> before = bed.attached_to();
  for (int i = 0; i < 24 && bed.attached_to() == before; ++i) {
    bed.world.start(bed.world.add_node());
    CHECK(bed.world.run_until([&] { return ring_fault(bed.world).empty() && bed.attached_well(); }, 30s));
  }
  CHECK(bed.attached_to() != before);
}

TEST_CASE("6940-6.4.2.4-1, 6940-6.4.2.4-2: asked hop by hop, the peers lead it to the one in charge") {
  Bed bed(27, 12);
  const ResourceId resource = bed.world.node(bed.client).resource("somebody@sim.example");
  NodeId at = bed.attached_to().front();
  for (int hops = 0; hops < 12; ++hops) {
    std::optional<overlay::Outcome<node::RouteQueryDone>> outcome;
    bed.world.overlay(bed.client).route_query(at, resource, [&](const auto& result) { outcome = result; });
    REQUIRE(bed.world.run_until([&] { return outcome.has_value(); }, 30s));
    REQUIRE(outcome->has_value());
    if ((*outcome)->next_peer == at) break;
    at = (*outcome)->next_peer;
  }
  CHECK(at == bed.world.node(bed.in_charge_of(resource)).self());
}
