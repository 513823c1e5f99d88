// 6940 10.7 and 10.8.
#include <doctest/doctest.h>

#include "tests/unit/topology/lone.hpp"

using namespace reload;
using namespace reload::topology;
using namespace reload::topology::test;
using wire::ChordUpdateType;
using wire::MessageCode;

namespace {

// 0x80 among peers all around.
struct Member : Lone {
  Member() : Lone(0x80) {
    start_first();
    for (unsigned other : {0x88u, 0x90u, 0x98u, 0xf0u, 0x30u, 0x68u, 0x70u, 0x78u}) peer(other);
    pass(2s);
    for (const messaging::WantLink& want : all<messaging::WantLink>()) not_attached(want.number);
    pass(1s);
    clear();
  }
};

}  // namespace

TEST_CASE(
    "6940-10.7.3-1, 6940-10.7.3-2, 6940-10.7.3-3, 6940-10.7.3-4: closer peers are attached to, then they are "
    "neighbours") {
  Member peer;
  peer.update(0x90, {0x8c, 0x88, 0x80}, {0x98, 0xa0, 0xa8});
  const auto want = peer.want({node(0x90), node(0x8c)});
  REQUIRE(want);
  CHECK(want->send_update);
  CHECK(!peer.want({node(0x90), node(0xa0)}));  // farther than the third
  CHECK(peer.topology->status().successors == std::vector{node(0x88), node(0x90), node(0x98)});
  peer.attached(want->number, 0x8c);
  CHECK(peer.topology->status().successors.front() == node(0x88));  // T4: not before its Update
  peer.update(0x8c, {}, {});
  CHECK(peer.topology->status().successors == std::vector{node(0x88), node(0x8c), node(0x90)});
  peer.unlink(0x88);
  CHECK(peer.topology->status().successors == std::vector{node(0x8c), node(0x90), node(0x98)});
}

TEST_CASE("6940-10.7.3-5: a changed Neighbor Table is told to the whole Connection Table, once") {
  Member peer;
  peer.link(0x01);
  peer.peer(0x84);
  peer.pass(1s);
  for (unsigned other : {0x88u, 0x90u, 0xf0u, 0x30u, 0x70u, 0x01u}) {
    REQUIRE(peer.updates_to(other).size() == 1);
    CHECK(peer.updates_to(other)[0].type == ChordUpdateType::neighbors);
    CHECK(peer.updates_to(other)[0].successors == std::vector{node(0x84), node(0x88), node(0x90)});
  }
  peer.clear();
  peer.update(0x84, {0x80}, {0x88});
  peer.pass(5s);
  CHECK(peer.sent(MessageCode::update_req).empty());
}

TEST_CASE("an Attach that fails is tried again, three times in all") {
  Member peer;
  peer.update(0x90, {0x8c}, {});
  for (int tries = 0; tries < 3; ++tries) {
    const auto wants = peer.all<messaging::WantLink>();
    REQUIRE(wants.size() == 1);
    peer.clear();
    peer.not_attached(wants[0].number);
    peer.pass(5s);
  }
  CHECK(peer.all<messaging::WantLink>().empty());
  peer.pass(60s);
  CHECK(peer.all<messaging::WantLink>().empty());
}

TEST_CASE("6940-10.7.1-1, 6940-10.7.1-2: a lost neighbour is replaced and the others told at once") {
  Member peer;
  peer.unlink(0x88);
  CHECK(peer.topology->status().successors == std::vector{node(0x90), node(0x98), node(0xf0)});
  CHECK(peer.all<messaging::NeighborFailed>().size() == 1);
  for (unsigned other : {0x90u, 0x98u, 0x78u, 0x70u, 0x68u}) {
    REQUIRE(peer.updates_to(other).size() == 1);
    CHECK(peer.updates_to(other)[0].successors == std::vector{node(0x90), node(0x98), node(0xf0)});
  }
}

TEST_CASE("a request without answer is a failure too") {
  Member peer;
  peer.peer(0x84);
  const auto updates = peer.sent(MessageCode::update_req);
  REQUIRE(!updates.empty());
  peer.now += 15s;
  for (const messaging::SendRequest& update : updates) {
    if (update.first_hop == node(0x84)) peer.time_out(update);
  }
  CHECK(peer.topology->status().successors.front() == node(0x88));
  peer.update(0x84, {}, {});
  CHECK(peer.topology->status().successors.front() == node(0x84));
}

TEST_CASE("6940-10.7.1-4: when the range changes with it, the whole Connection Table is told") {
  Member peer;
  peer.config.chord_reactive = false;
  peer.link(0x01);
  peer.unlink(0x88);
  peer.pass(1s);
  CHECK(peer.updates_to(0x01).empty());
  peer.unlink(0x78);
  CHECK(peer.topology->responsible(resource(0x71)));
  peer.pass(1s);
  for (unsigned other : {0x01u, 0xf0u, 0x90u}) CHECK(peer.updates_to(other).size() == 1);
}

TEST_CASE("6940-10.7.1-5, 6940-10.7.1-6: a lost neighbour is looked for, and out of the table until it is back") {
  Member peer;
  peer.unlink(0x88);
  peer.pass(2s);
  const auto want = peer.want({node(0x88)});
  REQUIRE(want);
  peer.attached(want->number, 0x88);
  CHECK(peer.topology->status().successors.front() == node(0x90));
  peer.update(0x88, {}, {});
  CHECK(peer.topology->status().successors.front() == node(0x88));
}

TEST_CASE("a lost predecessor is waited for: no way leads to a Node-ID of the own range") {
  Member peer;
  peer.unlink(0x78);
  REQUIRE(peer.topology->responsible(resource(0x78)));
  peer.pass(60s);
  CHECK(!peer.want({node(0x78)}));
}

TEST_CASE("6940-10.7.1-7, 6940-10.7.1-8: alone after losing all, a peer pings through a bootstrap node and joins") {
  Lone peer(0x80);
  peer.start_first();
  peer.peer(0x90);
  peer.unlink(0x90);
  CHECK(peer.topology->joined());  // what it holds stays reachable meanwhile
  CHECK(peer.topology->responsible(resource(0x90)));
  peer.clear();
  peer.check_partition(0x40);
  const auto pings = peer.sent(MessageCode::ping_req);
  REQUIRE(pings.size() == 1);
  peer.answer(pings[0], 0xa0, wire::encode(wire::PingAns{}));
  CHECK(peer.topology->status_state() == JoinState::attaching);
  CHECK(!peer.topology->joined());
  CHECK(peer.want({ring::to_resource(point(0x80) + 1)}));
}

TEST_CASE("6940-10.7.4.4-2, 6940-10.7.4.4-3: another successor behind a bootstrap node is another partition") {
  Member peer;
  peer.check_partition(0x10);
  const auto pings = peer.sent(MessageCode::ping_req);
  REQUIRE(pings.size() == 1);
  CHECK(pings[0].to == wire::DestinationList{node(0x10), ring::to_resource(point(0x80) + 1)});  // erratum 5530
  SUBCASE("the own successor: all is well") {
    peer.answer(pings[0], 0x88, wire::encode(wire::PingAns{}));
    CHECK(peer.all<messaging::WantLink>().empty());
  }
  SUBCASE("another: Attach through the bootstrap node, then an Update") {
    peer.answer(pings[0], 0xa0, wire::encode(wire::PingAns{}));
    const auto want = peer.want({node(0x10), node(0xa0)});
    REQUIRE(want);
    peer.attached(want->number, 0xa0);
    REQUIRE(peer.updates_to(0xa0).size() == 1);
    CHECK(peer.updates_to(0xa0)[0].type == ChordUpdateType::neighbors);
  }
}

TEST_CASE(
    "6940-10.7.4.1-1, 6940-10.7.4.1-2, 6940-10.7.4.1-3, 6940-10.7.4.1-4: periodic Updates, by the configuration, at "
    "random times") {
  Member peer;
  CHECK(peer.config.chord_update_interval == 600s);  // the default
  peer.config.chord_update_interval = 100s;
  messaging::Context on = peer.context();
  peer.topology->on_config_changed(on);
  peer.pass(200s);
  peer.clear();
  std::map<NodeId, std::vector<Mono>> times;
  for (int step = 0; step < 1000; ++step) {
    peer.pass(1s);
    for (const messaging::SendRequest& update : peer.sent(MessageCode::update_req)) {
      times[*update.first_hop].push_back(peer.now);
    }
    peer.clear();
  }
  std::set<Mono> firsts;
  for (unsigned other : {0x88u, 0x90u, 0x98u, 0x78u, 0x70u, 0x68u}) {
    const std::vector<Mono>& at = times[node(other)];
    CHECK(at.size() >= 7);
    CHECK(at.size() <= 13);
    firsts.insert(at.front());
    std::set<Duration> pauses;
    for (std::size_t i = 1; i < at.size(); ++i) pauses.insert(at[i] - at[i - 1]);
    CHECK(pauses.size() >= 3);
  }
  CHECK(firsts.size() >= 4);
}

TEST_CASE("6940-4.4-2: a link alone routes nothing; an Update each way puts both peers into the Routing Tables") {
  Lone one(0x10);
  Lone other(0x80);
  for (auto [peer, remote] : {std::pair(&one, 0x80u), {&other, 0x10u}}) {
    peer->start_first();
    peer->link(remote);
    CHECK(peer->topology->next_hops(node(remote), false).empty());
    peer->wanted(remote);
    CHECK(peer->updates_to(remote).size() == 1);
  }
  const auto bring = [](Lone& from, Lone& to, unsigned sender, unsigned receiver) {
    to.request(MessageCode::update_req, wire::encode(from.updates_to(receiver).front()), node(sender), node(sender));
    CHECK(to.topology->next_hops(resource(sender), false) == std::vector{node(sender)});
  };
  bring(one, other, 0x10, 0x80);
  bring(other, one, 0x80, 0x10);
}

TEST_CASE("6940-6.4.2.3-2, 6940-10.7-3: who attached with send_update gets the full state") {
  Member peer;
  peer.link(0x01);
  CHECK(peer.updates_to(0x01).empty());
  peer.wanted(0x01);
  REQUIRE(peer.updates_to(0x01).size() == 1);
  const wire::UpdateReq update = peer.updates_to(0x01)[0];
  CHECK(update.type == ChordUpdateType::full);
  CHECK(update.predecessors == std::vector{node(0x78), node(0x70), node(0x68)});
  CHECK(update.fingers == peer.topology->status().fingers);
  CHECK(std::is_sorted(update.fingers.begin(), update.fingers.end()));
}

TEST_CASE("6940-10.7-2: a peer that is no neighbour hears that this one is ready to route") {
  Member peer;
  peer.peer(0xe0);
  REQUIRE(peer.updates_to(0xe0).size() == 1);
  CHECK(peer.updates_to(0xe0)[0].type == ChordUpdateType::peer_ready);
}

TEST_CASE("6940-6.4.2.4.1-2: a named neighbour whose Update is missing is asked by RouteQuery with send_update") {
  Member peer;
  peer.link(0x8c);
  peer.update(0x90, {0x8c}, {});
  CHECK(peer.all<messaging::WantLink>().empty());  // linked already
  peer.pass(2s);
  const auto queries = peer.sent(MessageCode::route_query_req);
  REQUIRE(!queries.empty());
  CHECK(queries[0].first_hop == node(0x8c));
  CHECK(wire::decode<wire::RouteQueryReq>(queries[0].body)->send_update);
}

TEST_CASE("6940-10.8-2: a RouteQuery tells the next hop, and starts an Update if asked for") {
  Member peer;
  peer.link(0x01);
  const auto ask = [&](wire::Destination destination, bool send_update) {
    peer.clear();
    wire::RouteQueryReq query{send_update, std::move(destination), {}};
    return peer.request(MessageCode::route_query_req, wire::encode(query), node(0x01), node(0x01));
  };
  const auto next = [&] {
    return wire::decode<wire::RouteQueryAns>(peer.all<messaging::SendAnswer>().at(0).body)->next_peer;
  };
  ask(resource(0xa0), false);
  CHECK(next() == node(0x98));
  CHECK(peer.sent(MessageCode::update_req).empty());
  ask(resource(0x7c), false);
  CHECK(next() == peer.self);
  ask(node(0xf0), true);
  CHECK(next() == node(0xf0));
  REQUIRE(peer.updates_to(0x01).size() == 1);
  CHECK(peer.updates_to(0x01)[0].type == ChordUpdateType::full);
  ask(node(0xf4), false);  // there is no link to it
  CHECK(next() == node(0xf0));
  ask(node(0x7c), false);
  CHECK(next() == peer.self);
  ask(peer.self, false);
  CHECK(next() == peer.self);
  // 6940-6.4.2.4.1-4: what an opaque id stands for is not told.
  const RequestId opaque = ask(wire::OpaqueId{{0x81, 0x02}, true}, false);
  CHECK(peer.error_for(opaque) == wire::ErrorCode::not_found);
}

TEST_CASE(
    "6940-10.5-20, 6940-10.6-2, 6940-10.7.4.3-1: Attach towards the start of each finger slot that neighbours do not "
    "own") {
  Lone peer(0x80);
  peer.start_first();
  for (unsigned other : {0x81u, 0x82u, 0x83u, 0x7du, 0x7eu, 0x7fu}) peer.peer(other);
  peer.pass(1s);
  const auto first = peer.all<messaging::WantLink>();
  REQUIRE(first.size() == 2);  // a few at a time
  CHECK(first[0].to == wire::DestinationList{resource(0x00)});
  CHECK(first[1].to == wire::DestinationList{resource(0xc0)});
  peer.attached(first[0].number, 0x02);
  peer.update(0x02, {}, {}, ChordUpdateType::peer_ready);
  peer.not_attached(first[1].number);
  peer.pass(1s);
  CHECK(peer.want({resource(0xa0)}));
  CHECK(peer.want({resource(0x90)}));
  CHECK(!peer.want({resource(0x82)}));
  CHECK(peer.topology->status().fingers.size() >= 2);
}

TEST_CASE("6940-10.7.2-2, 6940-10.7.4.2-5: a failed finger starts a search by Ping to a random point of its range") {
  Member peer;
  peer.unlink(0xf0);  // slot 2: 0xc0 to 0xff
  const auto pings = peer.sent(MessageCode::ping_req);
  REQUIRE(pings.size() == 1);
  const ResourceId at = std::get<ResourceId>(pings[0].to.at(0));
  CHECK(ring::to_point(at.view()) - point(0xc0) < point(0x40));
  CHECK(at != resource(0xc0));
  peer.answer(pings[0], 0xd0, wire::encode(wire::PingAns{}));
  CHECK(peer.want({node(0xd0)}));
}

TEST_CASE(
    "6940-10.7.4.2-1, 6940-10.7.4.2-3, 6940-10.7.4.2-8: invalid fingers are searched for, earlier ones first, "
    "not more often than chord-ping-interval") {
  Member peer;
  peer.config.chord_ping_interval = 100s;
  peer.unlink(0xf0);   // leaves slots 2 and 3 without finger
  peer.pass(10'000s);  // the first search was drawn from the longer interval
  for (const messaging::WantLink& want : peer.all<messaging::WantLink>()) peer.not_attached(want.number);
  peer.clear();
  std::vector<unsigned> slots;
  Mono last = peer.now - 100s;
  for (int step = 0; step < 20'000; ++step) {
    peer.pass(1s);
    for (const messaging::SendRequest& ping : peer.sent(MessageCode::ping_req)) {
      if (ping.first_hop) {
        peer.answer(ping, 0x88, wire::encode(wire::PingAns{}));
        continue;
      }
      CHECK(peer.now - last >= 99s);
      last = peer.now;
      const ring::Point away = ring::to_point(std::get<ResourceId>(ping.to.at(0)).view()) - point(0x80);
      slots.push_back(away >= point(0x40) ? 2 : 3);
    }
    peer.clear();
  }
  CHECK(slots.size() >= 60);
  const auto second = std::count(slots.begin(), slots.end(), 2u);
  const auto third = std::count(slots.begin(), slots.end(), 3u);
  CHECK(third > 0);
  CHECK(second > third);
}

TEST_CASE("a successor that is silent is asked, and lost when it does not answer") {
  Member peer;
  CHECK(peer.topology->status().successor_answers);
  peer.pass(70s);
  const auto pings = peer.sent(MessageCode::ping_req);
  REQUIRE(!pings.empty());
  CHECK(pings[0].first_hop == node(0x88));
  peer.time_out(pings[0]);
  CHECK(peer.topology->status().successors.front() == node(0x90));
}

TEST_CASE("a neighbour that was slow, and thinks that it told us, is asked until it tells of itself") {
  Member peer;
  peer.suspect(0x88);
  peer.pass(2s);
  REQUIRE(peer.topology->status().successors.front() == node(0x90));
  peer.suspect(0x88, false);
  for (int minute = 0; minute < 5; ++minute) {
    peer.clear();
    peer.pass(60s);
    const auto queries = peer.sent(MessageCode::route_query_req);
    REQUIRE(!queries.empty());
    CHECK(queries.size() <= 8);
    CHECK(queries.back().first_hop == node(0x88));
  }
  peer.update(0x88, {}, {}, ChordUpdateType::peer_ready);
  CHECK(peer.topology->status().successors.front() == node(0x88));
  peer.clear();
  peer.pass(60s);
  CHECK(peer.sent(MessageCode::route_query_req).empty());
}

TEST_CASE("bad Updates change nothing") {
  Member peer;
  const RequestId id = peer.request(MessageCode::update_req, {1, 2, 3}, node(0x84), node(0x84));
  CHECK(peer.error_for(id) == wire::ErrorCode::invalid_message);
  peer.config.bad_nodes = {node(0x8c)};
  peer.update(0x90, {0x8c, 0x80}, {0x80});
  CHECK(peer.all<messaging::WantLink>().empty());
  const TopologyStatus status = peer.topology->status();
  CHECK(status.successors == std::vector{node(0x88), node(0x90), node(0x98)});
}

TEST_CASE("a flood of names in Updates is bounded") {
  Member peer;
  Prng rng(9);
  for (int i = 0; i < 200; ++i) {
    wire::UpdateReq update;
    update.type = ChordUpdateType::neighbors;
    for (int j = 0; j < 500; ++j) {
      update.successors.push_back(ring::to_node(point(0x80) + 1 + (rng.next() & 0xffff)));
    }
    peer.request(MessageCode::update_req, wire::encode(update), node(0x90), node(0x90));
  }
  CHECK(peer.all<messaging::WantLink>().size() <= limits::kMaxAttachesAtOnce);
}
