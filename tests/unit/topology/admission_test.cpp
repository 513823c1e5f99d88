// 6940 6.4.2.1 and 10.5 from the admitting peer's side: 0x80, with 0x40 before it and 0xc0 behind it.
#include <doctest/doctest.h>

#include "reload/base/limits.hpp"
#include "tests/unit/topology/lone.hpp"

using namespace reload;
using namespace reload::topology;
using namespace reload::topology::test;
using wire::ErrorCode;
using wire::MessageCode;

namespace {

struct Admitting : Lone {
  Admitting() : Lone(0x80) {
    start_first();
    peer(0x40);
    peer(0xc0);
    link(0x60);  // the joining peer
    clear();
  }
};

}  // namespace

TEST_CASE("6940-6.4.2.1-4, 6940-6.4.2.1-5: a Join for another node than its signer is forbidden") {
  Admitting peer;
  const RequestId id = peer.join(0x60, 0x70, 0x60);
  CHECK(peer.error_for(id) == ErrorCode::forbidden);
  CHECK(peer.all<messaging::HandOver>().empty());
}

TEST_CASE("6940-6.4.2.1-6: so is one that did not come over the joining node's own link") {
  Admitting peer;
  CHECK(peer.error_for(peer.join(0x60, 0x60, 0x40)) == ErrorCode::forbidden);
  CHECK(peer.error_for(peer.join(0x60, 0x60, 0x60)) == std::nullopt);
}

TEST_CASE("a request that cannot be read, or is of no overlay algorithm, is refused") {
  Admitting peer;
  for (const MessageCode code : {MessageCode::update_req, MessageCode::leave_req, MessageCode::route_query_req,
                                 MessageCode::join_req, MessageCode::ping_req}) {
    CAPTURE(static_cast<int>(code));
    CHECK(peer.error_for(peer.request(code, {1}, node(0x60), node(0x60))) == ErrorCode::invalid_message);
  }
}

TEST_CASE("a Join for a point of another peer, or that is no Join, is refused") {
  Admitting peer;
  peer.link(0x20);
  CHECK(peer.error_for(peer.join(0x20, 0x20, 0x20)) == ErrorCode::not_found);
  const RequestId id = peer.request(MessageCode::join_req, {1, 2, 3}, node(0x60), node(0x60));
  CHECK(peer.error_for(id) == ErrorCode::invalid_message);
}

// CHORD-RELOAD defines no content of its own.
TEST_CASE("6940-6.4.2.1-3, 6940-6.4.2.1-10: a Join with content of another algorithm is one like any other") {
  Admitting peer;
  const wire::JoinReq join{node(0x60), {1, 2, 3}};
  const RequestId id = peer.request(MessageCode::join_req, wire::encode(join), node(0x60), node(0x60));
  CHECK(peer.answered(id));
  const auto answer = wire::decode<wire::JoinAns>(peer.all<messaging::SendAnswer>().back().body);
  REQUIRE(answer);
  CHECK(answer->overlay_specific_data.empty());
  CHECK(peer.all<messaging::HandOver>().size() == 1);
}

TEST_CASE("6940-10.5-6, 6940-10.5-8: answered, handed its part of the range, then named as predecessor") {
  Admitting peer;
  const RequestId id = peer.join(0x60, 0x60, 0x60);
  CHECK(peer.answered(id));
  const auto hand_overs = peer.all<messaging::HandOver>();
  REQUIRE(hand_overs.size() == 1);
  CHECK(hand_overs[0].owner == node(0x60));
  CHECK(hand_overs[0].after == node(0x40));
  CHECK(peer.updates_to(0x60).empty());
  CHECK(peer.topology->responsible(resource(0x50)));
  peer.handed_over(0x60);
  REQUIRE(peer.updates_to(0x60).size() == 1);
  CHECK(peer.updates_to(0x60)[0].predecessors.front() == node(0x60));
  CHECK(!peer.topology->responsible(resource(0x60)));
  CHECK(peer.topology->responsible(resource(0x61)));
  CHECK(peer.topology->owner_of(resource(0x50)) == node(0x60));
  CHECK(peer.all<messaging::RangeChanged>().size() == 1);
  // What is the new peer's goes to it, though 0x40, which cannot know yet, is the peer before the point.
  CHECK(peer.topology->next_hops(resource(0x50), false) == std::vector{node(0x60)});
}

TEST_CASE("6940-10.5-11, 6940-6.4.2.1-9: all neighbours hear of the new one") {
  Admitting peer;
  peer.join(0x60, 0x60, 0x60);
  peer.handed_over(0x60);
  for (unsigned other : {0x40u, 0xc0u}) {
    REQUIRE(peer.updates_to(other).size() == 1);
    CHECK(peer.updates_to(other)[0].predecessors == std::vector{node(0x60), node(0x40), node(0xc0)});
  }
}

TEST_CASE("6940-10.7.3-10, 6940-6.4.1-2, 6940-6.4.1-3: a change of the range goes to the whole Connection Table") {
  Admitting peer;
  peer.config.chord_reactive = false;
  peer.link(0x01);  // a client
  peer.join(0x60, 0x60, 0x60);
  peer.handed_over(0x60);
  peer.pass(1s);
  for (unsigned other : {0x40u, 0xc0u, 0x60u, 0x01u}) CHECK(peer.updates_to(other).size() == 1);
}

TEST_CASE("one joining peer after the other") {
  Admitting peer;
  peer.link(0x70);
  peer.link(0x50);
  peer.join(0x60, 0x60, 0x60);
  const RequestId nearer = peer.join(0x70, 0x70, 0x70);
  const RequestId farther = peer.join(0x50, 0x50, 0x50);
  CHECK(!peer.answered(nearer));
  CHECK(peer.all<messaging::HandOver>().size() == 1);
  peer.handed_over(0x60);
  CHECK(peer.answered(nearer));
  const auto hand_overs = peer.all<messaging::HandOver>();
  REQUIRE(hand_overs.size() == 2);
  CHECK(hand_overs[1].after == node(0x60));
  CHECK(peer.error_for(farther) == std::nullopt);
  peer.handed_over(0x70);
  CHECK(peer.error_for(farther) == ErrorCode::not_found);  // it is 0x60's to admit now
}

TEST_CASE("a Join that comes again while it waits takes the place of the first") {
  Admitting peer;
  peer.link(0x70);
  peer.join(0x60, 0x60, 0x60);
  const RequestId first = peer.join(0x70, 0x70, 0x70);
  const RequestId again = peer.join(0x70, 0x70, 0x70);
  CHECK(peer.error_for(first) == ErrorCode::in_progress);
  CHECK_FALSE(peer.answered(again));
  peer.handed_over(0x60);
  CHECK_FALSE(peer.answered(first));
  CHECK(peer.answered(again));
}

TEST_CASE("a peer that joins anew while it is handed its values is handed them anew") {
  Admitting peer;
  peer.join(0x60, 0x60, 0x60);
  const RequestId again = peer.join(0x60, 0x60, 0x60);
  CHECK(peer.answered(again));
  CHECK(peer.all<messaging::HandOver>().size() == 2);
  CHECK(peer.topology->responsible(resource(0x60)));
  peer.handed_over(0x60);
  CHECK_FALSE(peer.topology->responsible(resource(0x60)));
}

TEST_CASE("only so many Joins wait; others are told to come again") {
  Admitting peer;
  peer.join(0x60, 0x60, 0x60);
  const auto join = [&](unsigned number) {
    const NodeId joining = ring::to_node(point(0x61) + number);
    messaging::Context on = peer.context();
    peer.topology->on_link_up(joining, on);
    return peer.request(MessageCode::join_req, wire::encode(wire::JoinReq{joining, {}}), joining, joining);
  };
  for (unsigned i = 0; i < limits::kMaxJoinsWaiting; ++i) REQUIRE_FALSE(peer.error_for(join(i)));
  CHECK(peer.error_for(join(limits::kMaxJoinsWaiting)) == ErrorCode::in_progress);
  peer.handed_over(0x60);
  CHECK_FALSE(peer.error_for(join(limits::kMaxJoinsWaiting)));
}

TEST_CASE("a hand-over that never ends, a joining peer that dies, a peer that leaves: nobody stays waiting") {
  Admitting peer;
  peer.link(0x70);
  peer.join(0x60, 0x60, 0x60);
  const RequestId second = peer.join(0x70, 0x70, 0x70);
  SUBCASE("never ends") {
    peer.pass(10s);
    CHECK(peer.topology->status().predecessors.front() == node(0x60));
    CHECK(peer.answered(second));
  }
  SUBCASE("dies") {
    peer.unlink(0x60);
    CHECK(peer.topology->responsible(resource(0x60)));
    CHECK(peer.answered(second));
    peer.handed_over(0x60);
    CHECK(peer.topology->responsible(resource(0x60)));
  }
  SUBCASE("leaves") {
    const messaging::Context context = peer.context();
    messaging::Context on = context;
    peer.topology->leave(on);
    CHECK(peer.error_for(second) == ErrorCode::not_found);
    CHECK(peer.error_for(peer.join(0x60, 0x60, 0x60)) == ErrorCode::not_found);
  }
}

TEST_CASE("a peer of the ring that joins anew is handed its range again") {
  Admitting peer;
  peer.join(0x60, 0x60, 0x60);
  peer.handed_over(0x60);
  peer.clear();
  const RequestId again = peer.join(0x60, 0x60, 0x60);
  CHECK(peer.answered(again));
  CHECK(peer.all<messaging::HandOver>().size() == 1);
  CHECK(peer.topology->responsible(resource(0x60)));
  peer.handed_over(0x60);
  CHECK(peer.updates_to(0x60).size() == 1);
}
