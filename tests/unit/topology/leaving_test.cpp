// 6940 10.9 and 6.4.2.2.
#include <doctest/doctest.h>

#include "tests/unit/topology/lone.hpp"

using namespace reload;
using namespace reload::topology;
using namespace reload::topology::test;
using wire::ChordLeaveType;
using wire::ErrorCode;
using wire::MessageCode;

namespace {

struct Member : Lone {
  explicit Member(const std::vector<unsigned>& others) : Lone(0x80) {
    start_first();
    for (unsigned other : others) peer(other);
    clear();
  }
  void leave() {
    messaging::Context on = context();
    topology->leave(on);
  }
  std::optional<wire::LeaveReq> leave_to(unsigned other) {
    for (const messaging::SendRequest& request : sent(MessageCode::leave_req)) {
      if (request.first_hop == node(other)) return wire::decode<wire::LeaveReq>(request.body);
    }
    return std::nullopt;
  }
  RequestId leave_from(unsigned who, unsigned signer, unsigned over, std::vector<NodeId> named = {}) {
    const wire::LeaveReq leave{node(who), {ChordLeaveType::from_succ, std::move(named)}};
    return request(MessageCode::leave_req, wire::encode(leave), node(signer), node(over));
  }
};

}  // namespace

TEST_CASE("6940-10.9-1, 6940-10.9-4, 6940-6.4.2.2-1, 6940-6.4.2.2-3: Leave to every peer, with the lists it needs") {
  Member peer({0x88, 0x90, 0x98, 0xa0, 0x60, 0x68, 0x70, 0x78});
  peer.leave();
  peer.handed_over(0x88);
  CHECK(peer.topology->status_state() == JoinState::leaving);
  for (unsigned successor : {0x88u, 0x90u, 0x98u}) {
    const auto leave = peer.leave_to(successor);
    REQUIRE(leave);
    CHECK(leave->leaving_peer_id == peer.self);
    CHECK(leave->chord.type == ChordLeaveType::from_pred);
    CHECK(leave->chord.nodes == std::vector{node(0x78), node(0x70), node(0x68)});
  }
  for (unsigned predecessor : {0x68u, 0x70u, 0x78u}) {
    const auto leave = peer.leave_to(predecessor);
    REQUIRE(leave);
    CHECK(leave->chord.type == ChordLeaveType::from_succ);
    CHECK(leave->chord.nodes == std::vector{node(0x88), node(0x90), node(0x98)});
  }
  CHECK(peer.leave_to(0xa0));
  SUBCASE("left when all have answered") {
    for (const messaging::SendRequest& request : peer.sent(MessageCode::leave_req)) {
      CHECK(peer.topology->status_state() == JoinState::leaving);
      peer.answer(request, 0x88);
    }
  }
  SUBCASE("or after three seconds") { peer.pass(3s); }
  CHECK(peer.topology->status_state() == JoinState::left);
  CHECK(!peer.topology->joined());
  CHECK(peer.all<messaging::JoinStateChanged>().size() == 1);
}

TEST_CASE("a leaving peer hands its successor what that does not have, then says Leave") {
  Member peer({0x88, 0x90, 0x70});
  peer.leave();
  const auto orders = peer.all<messaging::HandOver>();
  REQUIRE(orders.size() == 1);
  CHECK(orders.front().owner == node(0x88));
  CHECK(orders.front().after == node(0x70));
  CHECK(peer.sent(MessageCode::leave_req).empty());
  CHECK(peer.topology->responsible(resource(0x78)));
  SUBCASE("when all is handed over") { peer.handed_over(0x88); }
  SUBCASE("or after five seconds") { peer.pass(5s); }
  SUBCASE("or when the successor is gone") { peer.unlink(0x88); }
  CHECK(peer.sent(MessageCode::leave_req).size() >= 2);
}

TEST_CASE("T62: one Leave to a peer that is both neighbours") {
  Member peer({0x40});
  peer.leave();
  peer.handed_over(0x40);
  CHECK(peer.sent(MessageCode::leave_req).size() == 1);
  CHECK(peer.leave_to(0x40)->chord.type == ChordLeaveType::from_pred);
}

TEST_CASE("a peer that is alone or has not joined leaves at once") {
  Member peer({});
  peer.leave();
  CHECK(peer.topology->status_state() == JoinState::left);
  Lone joining(0x10);
  joining.start_join(0x80);
  messaging::Context on = joining.context();
  joining.topology->leave(on);
  CHECK(joining.topology->status_state() == JoinState::left);
}

TEST_CASE("6940-6.4.2.2-4, 6940-6.4.2.2-5: a Leave for another node than its signer is forbidden") {
  Member peer({0x88, 0x90});
  CHECK(peer.error_for(peer.leave_from(0x88, 0x90, 0x88)) == ErrorCode::forbidden);
  CHECK(peer.topology->status().successors.front() == node(0x88));
}

TEST_CASE("6940-6.4.2.2-6: so is one that did not come over the leaving node's own link") {
  Member peer({0x88, 0x90});
  CHECK(peer.error_for(peer.leave_from(0x88, 0x88, 0x90)) == ErrorCode::forbidden);
  CHECK(peer.topology->status().successors.front() == node(0x88));
}

TEST_CASE("6940-10.9-5, 6940-6.4.2.2-7: a Leave acts like a failure, with its list as candidates") {
  Member peer({0x88, 0x90, 0x70});
  const RequestId id = peer.leave_from(0x88, 0x88, 0x88, {node(0x90), node(0x94)});
  CHECK(peer.answered(id));
  CHECK(peer.topology->status().successors.front() == node(0x90));
  CHECK(peer.all<messaging::NeighborFailed>().empty());  // its values were not lost: no hold-down
  CHECK(peer.all<messaging::RangeChanged>().size() == 1);
  CHECK(peer.want({node(0x94)}));
  REQUIRE(peer.updates_to(0x90).size() == 1);
  CHECK(peer.updates_to(0x90)[0].successors == std::vector{node(0x90), node(0x70)});
  // A late Update does not bring it back.
  peer.update(0x88, {0x80}, {0x90});
  CHECK(peer.topology->status().successors.front() == node(0x90));
  peer.unlink(0x88);
  CHECK(peer.all<messaging::NeighborFailed>().empty());
}

TEST_CASE("a malformed Leave is refused") {
  Member peer({0x88});
  const RequestId id = peer.request(MessageCode::leave_req, {9}, node(0x88), node(0x88));
  CHECK(peer.error_for(id) == ErrorCode::invalid_message);
}
