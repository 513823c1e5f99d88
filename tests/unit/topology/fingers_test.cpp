// 6940 10.7.4.2: how fingers are chosen, at first and later.
#include <doctest/doctest.h>

#include "tests/unit/topology/lone.hpp"

using namespace reload;
using namespace reload::topology;
using namespace reload::topology::test;
using wire::ChordUpdateType;
using wire::MessageCode;

namespace {

// 0x80 between near neighbours.
struct Member : Lone {
  Member() : Lone(0x80) {
    start_first();
    for (unsigned other : {0x81u, 0x82u, 0x83u, 0x7du, 0x7eu, 0x7fu}) peer(other);
  }
  // Answers Attaches towards fingers until there are none more: nobody new is there.
  void fail_attaches() {
    for (;;) {
      pass(2s);
      const auto wants = all<messaging::WantLink>();
      clear();
      if (wants.empty()) return;
      for (const messaging::WantLink& want : wants) not_attached(want.number);
    }
  }
};

}  // namespace

TEST_CASE("6940-10.7.4.2-7, 6940-10-1: the first Attach for a finger goes to the start of its range, half-way first") {
  Member peer;
  peer.pass(1s);
  const auto wants = peer.all<messaging::WantLink>();
  REQUIRE(wants.size() == 2);
  CHECK(wants[0].to == wire::DestinationList{resource(0x00)});
  CHECK(wants[1].to == wire::DestinationList{resource(0xc0)});
}

TEST_CASE("6940-10.7.4.2-6: when the ring has grown, fingers are looked for at the start of their ranges again") {
  Member peer;
  peer.fail_attaches();
  peer.pass(600s);
  CHECK(peer.all<messaging::WantLink>().empty());
  // The neighbours are a quarter as far now.
  const ring::Point near = point(0x80);
  for (const ring::Point gap : {point(1) / 8, point(1) / 4, point(3) / 8}) {
    for (const NodeId& other : {ring::to_node(near + gap), ring::to_node(near - gap)}) {
      messaging::Context on = peer.context();
      peer.topology->on_link_up(other, on);
      wire::UpdateReq ready;
      ready.type = ChordUpdateType::peer_ready;
      peer.request(MessageCode::update_req, wire::encode(ready), other, other);
    }
  }
  peer.pass(2s);
  CHECK(peer.want({resource(0xc0)}));
  CHECK(peer.want({resource(0xa0)}));
}

TEST_CASE("6940-10.7.4.2-9, 6940-10.7.4.2-2: links to several candidates for one finger stay, the next takes over") {
  Member peer;
  peer.peer(0x10);
  peer.peer(0x20);  // both in the range of the first finger
  CHECK(peer.topology->next_hops(resource(0x18), false).front() == node(0x10));
  CHECK(peer.topology->next_hops(resource(0x28), false).front() == node(0x20));
  const auto has = [&](unsigned position) {
    const auto fingers = peer.topology->status().fingers;
    return std::find(fingers.begin(), fingers.end(), node(position)) != fingers.end();
  };
  CHECK(has(0x10));
  CHECK(!has(0x20));
  peer.pass(peer.config.chord_update_interval * 2);
  CHECK(peer.all<messaging::DropLink>().empty());
  peer.unlink(0x10);
  CHECK(has(0x20));
  CHECK(peer.topology->next_hops(resource(0x18), false).front() == node(0x83));
}
