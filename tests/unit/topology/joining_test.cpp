// 6940 10.5 from the joining peer's side.
#include <doctest/doctest.h>

#include "tests/unit/topology/lone.hpp"

using namespace reload;
using namespace reload::topology;
using namespace reload::topology::test;
using wire::ChordUpdateType;
using wire::MessageCode;

namespace {

const wire::DestinationList kAdmitting{ring::to_resource(point(0x10) + 1)};

// 0x10 joins a ring of 0x20, 0x40, 0x80, 0xc0 through 0x80; 0x20 admits it. Up to the Update of 0x20.
void find_admitting(Lone& peer) {
  peer.start_join(0x80);
  peer.attached(peer.want(kAdmitting)->number, 0x20);
  peer.update(0x20, {0xc0, 0x80, 0x40}, {0x40, 0x80, 0xc0}, ChordUpdateType::full);
}

void connect(Lone& peer) {
  for (unsigned other : {0x40u, 0x80u, 0xc0u}) {
    if (const auto want = peer.want({node(0x20), node(other)})) peer.attached(want->number, other);
    peer.update(other, {}, {}, ChordUpdateType::peer_ready);
  }
}

messaging::SendRequest join_request(Lone& peer) {
  const auto joins = peer.sent(MessageCode::join_req);
  REQUIRE(joins.size() == 1);
  return joins.front();
}

}  // namespace

TEST_CASE("6940-10.5-2, 6940-10.5-14: Attach to the point behind the own Node-ID, asking for an Update") {
  Lone peer(0x10);
  peer.start_join(0x80);
  CHECK(peer.topology->status_state() == JoinState::attaching);
  const auto want = peer.want(kAdmitting);
  REQUIRE(want);
  CHECK(want->send_update);
  // 6940-10.5-1: through the bootstrap node.
  CHECK(peer.topology->next_hops(ring::to_resource(point(0x10) + 1), true) == std::vector{node(0x80)});
  CHECK(!peer.topology->joined());
  CHECK(!peer.topology->responsible(peer.self));
}

TEST_CASE("6940-10.5-3, 6940-10.5-13, 6940-10.6-1: Attach to each expected neighbour through the peer that named it") {
  Lone peer(0x10);
  find_admitting(peer);
  CHECK(peer.want({node(0x20), node(0x40)}));
  CHECK(peer.want({node(0x20), node(0xc0)}));
  CHECK(peer.sent(MessageCode::join_req).empty());  // not before they are attached
}

TEST_CASE("6940-10.5-4, 6940-10.5-5: then all of them are routed through and the Join goes to the admitting peer") {
  Lone peer(0x10);
  find_admitting(peer);
  connect(peer);
  const messaging::SendRequest join = join_request(peer);
  CHECK(join.to == wire::DestinationList{node(0x20)});
  CHECK(join.first_hop == node(0x20));
  CHECK(wire::decode<wire::JoinReq>(join.body)->joining_peer_id == peer.self);
  CHECK(peer.topology->status().successors == std::vector{node(0x20), node(0x40), node(0x80)});
  CHECK(peer.topology->status().predecessors == std::vector{node(0xc0), node(0x80), node(0x40)});
}

TEST_CASE("6940-10.5-12: joined with the Update that names it, the peer sends Updates to its neighbours") {
  Lone peer(0x10);
  find_admitting(peer);
  connect(peer);
  peer.answer(join_request(peer), 0x20, wire::encode(wire::JoinAns{}));
  CHECK(!peer.topology->joined());
  peer.clear();
  peer.update(0x20, {0x10, 0xc0, 0x80}, {0x40, 0x80, 0xc0});
  CHECK(peer.topology->joined());
  CHECK(peer.all<messaging::JoinStateChanged>().size() == 1);
  CHECK(peer.all<messaging::RangeChanged>().size() == 1);
  CHECK(peer.topology->responsible(resource(0x10)));
  CHECK(peer.topology->responsible(resource(0xc1)));
  CHECK(!peer.topology->responsible(resource(0xc0)));
  CHECK(!peer.topology->responsible(resource(0x11)));
  for (unsigned other : {0x20u, 0x40u, 0x80u, 0xc0u}) {
    REQUIRE(peer.updates_to(other).size() == 1);
    CHECK(peer.updates_to(other)[0].type == ChordUpdateType::neighbors);
    CHECK(peer.updates_to(other)[0].successors == std::vector{node(0x20), node(0x40), node(0x80)});
  }
}

TEST_CASE("6940-10.5-21: no Update before every neighbour named with the admission is attached") {
  Lone peer(0x10);
  find_admitting(peer);
  connect(peer);
  peer.wanted(0x40);  // though it asked for one
  peer.answer(join_request(peer), 0x20, wire::encode(wire::JoinAns{}));
  peer.update(0x20, {0x10, 0xe0, 0xc0}, {0x40, 0x80, 0xc0});  // 0xe0 joined meanwhile
  CHECK(peer.topology->joined());
  CHECK(peer.sent(MessageCode::update_req).empty());
  CHECK(peer.topology->responsible(resource(0xe1)));
  CHECK(!peer.topology->responsible(resource(0xd0)));  // not its own though 0xe0 has no link yet
  CHECK(peer.topology->owner_of(resource(0xd0)) == node(0xe0));
  const auto want = peer.want({node(0x20), node(0xe0)});
  REQUIRE(want);
  SUBCASE("until it is") { peer.attached(want->number, 0xe0); }
  SUBCASE("or has failed") { peer.not_attached(want->number); }
  SUBCASE("or took too long") { peer.pass(3s); }
  CHECK(peer.updates_to(0x20).size() == 1);
  CHECK(peer.updates_to(0x40).size() == 1);
  CHECK(peer.updates_to(0x40)[0].type == ChordUpdateType::full);
}

TEST_CASE("T56: a neighbour that cannot be attached is left out") {
  Lone peer(0x10);
  find_admitting(peer);
  peer.not_attached(peer.want({node(0x20), node(0xc0)})->number);
  const auto want = peer.want({node(0x20), node(0x40)});
  SUBCASE("failed") { peer.not_attached(want->number); }
  SUBCASE("late") { peer.pass(5s); }
  CHECK(join_request(peer).first_hop == node(0x20));
}

TEST_CASE("6940-6.4.2.1-11, 6940-6.4.2.1-12: a JoinAns of another signer is no JoinAns") {
  Lone peer(0x10);
  find_admitting(peer);
  connect(peer);
  peer.answer(join_request(peer), 0x40, wire::encode(wire::JoinAns{}));
  peer.update(0x20, {0x10, 0xc0, 0x80}, {0x40, 0x80, 0xc0});
  CHECK(!peer.topology->joined());
  peer.clear();
  peer.pass(25s);  // it begins anew
  CHECK(peer.want(kAdmitting));
}

TEST_CASE("6940-6.4.2.1-3, 6940-6.4.2.1-10: a Join has no content of its own, that of a JoinAns is passed over") {
  Lone peer(0x10);
  find_admitting(peer);
  connect(peer);
  CHECK(wire::decode<wire::JoinReq>(join_request(peer).body)->overlay_specific_data.empty());
  peer.answer(join_request(peer), 0x20, wire::encode(wire::JoinAns{{1, 2, 3}}));
  peer.update(0x20, {0x10, 0xc0, 0x80}, {0x40, 0x80, 0xc0});
  CHECK(peer.topology->joined());
}

TEST_CASE("an Update that overtakes the JoinAns counts") {
  Lone peer(0x10);
  find_admitting(peer);
  connect(peer);
  const messaging::SendRequest join = join_request(peer);
  peer.update(0x20, {0x10, 0xc0, 0x80}, {0x40, 0x80, 0xc0});
  CHECK(!peer.topology->joined());
  peer.answer(join, 0x20, wire::encode(wire::JoinAns{}));
  CHECK(peer.topology->joined());
}

TEST_CASE("every way a join can fail begins it anew") {
  Lone peer(0x10);
  SUBCASE("the Attach fails") {
    peer.start_join(0x80);
    peer.not_attached(peer.want(kAdmitting)->number);
  }
  SUBCASE("the Attach never ends") { peer.start_join(0x80); }
  SUBCASE("no Update comes") {
    peer.start_join(0x80);
    peer.attached(peer.want(kAdmitting)->number, 0x20);
  }
  SUBCASE("the Join is refused") {
    find_admitting(peer);
    connect(peer);
    peer.fail(join_request(peer), wire::ErrorCode::not_found, 0x20);
  }
  SUBCASE("the Join times out") {
    find_admitting(peer);
    connect(peer);
    peer.time_out(join_request(peer));
  }
  SUBCASE("the admitting peer dies") {
    find_admitting(peer);
    connect(peer);
    peer.unlink(0x20);
  }
  SUBCASE("the admitting peer never lets it in") {
    find_admitting(peer);
    connect(peer);
    peer.answer(join_request(peer), 0x20, wire::encode(wire::JoinAns{}));
  }
  peer.clear();
  peer.pass(25s);
  CHECK(peer.want(kAdmitting));
  CHECK(!peer.topology->joined());
}

TEST_CASE(
    "6940-10.5-15, 6940-10.5-16, 6940-10.5-17, 6940-10.5-18, 6940-10.5-19: without the admitting peer's Update the "
    "successors are found by Pings, one after the other") {
  Lone peer(0x10);
  peer.start_join(0x80);
  peer.attached(peer.want(kAdmitting)->number, 0x20);
  CHECK(peer.sent(MessageCode::ping_req).empty());
  const auto ping_behind = [&](unsigned position) {
    const auto pings = peer.sent(MessageCode::ping_req);
    REQUIRE(pings.size() == 1);
    CHECK(pings[0].to == wire::DestinationList{ring::to_resource(point(position) + 1)});
    CHECK(pings[0].first_hop == node(0x20));
    peer.effects.clear();
    return pings[0];
  };
  peer.pass(4s);
  peer.answer(ping_behind(0x10), 0x20, wire::encode(wire::PingAns{}));
  peer.answer(ping_behind(0x20), 0x40, wire::encode(wire::PingAns{}));
  const auto want = peer.want({node(0x20), node(0x40)});
  REQUIRE(want);
  const messaging::SendRequest last = ping_behind(0x40);
  peer.attached(want->number, 0x40);
  CHECK(peer.sent(MessageCode::join_req).empty());  // not before the last of them is known
  SUBCASE("as many as are wanted") {
    peer.answer(last, 0x80, wire::encode(wire::PingAns{}));
    CHECK(peer.topology->status().successors == std::vector{node(0x20), node(0x40), node(0x80)});
  }
  SUBCASE("or as there are") {
    peer.answer(last, 0x20, wire::encode(wire::PingAns{}));
    CHECK(peer.topology->status().successors == std::vector{node(0x20), node(0x40)});
  }
  SUBCASE("or as could be found in time") { peer.pass(4s); }
  CHECK(peer.sent(MessageCode::ping_req).empty());
  const messaging::SendRequest join = join_request(peer);
  CHECK(join.first_hop == node(0x20));
  // The predecessors come with the Update that lets it in.
  peer.answer(join, 0x20, wire::encode(wire::JoinAns{}));
  peer.update(0x20, {0x10, 0xc0, 0x80}, {0x40, 0x80, 0xc0});
  CHECK(peer.topology->joined());
  CHECK(peer.want({node(0x20), node(0xc0)}));
}

TEST_CASE("a peer whose Pings are not answered either begins anew") {
  Lone peer(0x10);
  peer.start_join(0x80);
  peer.attached(peer.want(kAdmitting)->number, 0x20);
  peer.pass(4s);
  const auto pings = peer.sent(MessageCode::ping_req);
  REQUIRE(pings.size() == 1);
  peer.clear();
  SUBCASE("they time out") { peer.time_out(pings[0]); }
  SUBCASE("they are answered by this peer itself") { peer.answer(pings[0], 0x10, wire::encode(wire::PingAns{})); }
  peer.pass(6s);
  CHECK(peer.want(kAdmitting));
  peer.answer(pings[0], 0x20, wire::encode(wire::PingAns{}));  // too late
  CHECK(peer.sent(MessageCode::ping_req).empty());
}

TEST_CASE("without any link left the node has to find another bootstrap node") {
  Lone peer(0x10);
  peer.start_join(0x80);
  peer.unlink(0x80);
  CHECK(peer.topology->status_state() == JoinState::idle);
  peer.start_join(0x40);
  CHECK(peer.topology->status_state() == JoinState::attaching);
}

TEST_CASE("T54: no other Node-ID length than 16 on this ring") {
  Lone peer(0x10);
  peer.config.node_id_length = 20;
  peer.start_first();
  peer.start_join(0x80);
  CHECK(peer.topology->status_state() == JoinState::idle);
}
