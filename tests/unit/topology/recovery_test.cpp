// 6940 10 and 10.7: reactive and periodic recovery, and what a peer does that lost the rest of the overlay.
#include <doctest/doctest.h>

#include "tests/unit/topology/lone.hpp"

using namespace reload;
using namespace reload::topology;
using namespace reload::topology::test;
using wire::MessageCode;

namespace {

// 0x80 among peers all around, of which 0xf0 and 0x30 are no neighbours but fingers.
struct Member : Lone {
  explicit Member(bool reactive = true) : Lone(0x80) {
    config.chord_reactive = reactive;
    start_first();
    for (unsigned other : {0x88u, 0x90u, 0x98u, 0xf0u, 0x30u, 0x68u, 0x70u, 0x78u}) peer(other);
    pass(2s);
    for (const messaging::WantLink& want : all<messaging::WantLink>()) not_attached(want.number);
    pass(1s);
    clear();
  }
  void check_partition_with_answer_of(unsigned bootstrap, unsigned responder) {
    check_partition(bootstrap);
    const auto pings = sent(MessageCode::ping_req);
    REQUIRE(!pings.empty());
    answer(pings.back(), responder, wire::encode(wire::PingAns{}));
  }
};

RingBed ring_of(std::size_t peers, bool reactive, std::uint64_t seed) {
  RingBed bed(seed);
  bed.config.chord_reactive = reactive;
  bed.config.chord_update_interval = 60s;
  for (std::size_t i = 0; i < peers; ++i) bed.add();
  bed.start_first(0);
  for (std::size_t i = 1; i < peers; ++i) bed.start_join(i, 0);
  return bed;
}

}  // namespace

TEST_CASE("6940-10-2: with chord-reactive a lost neighbour is told at once, without it in the periodic Update") {
  for (const bool reactive : {true, false}) {
    CAPTURE(reactive);
    Member peer(reactive);
    peer.unlink(0x90);  // the own range stays as it is
    peer.pass(5s);
    CHECK(peer.updates_to(0x88).size() == (reactive ? 1 : 0));
    CHECK(peer.topology->status().successors == std::vector{node(0x88), node(0x98), node(0xf0)});
    peer.pass(peer.config.chord_update_interval * 2);
    const auto updates = peer.updates_to(0x88);
    REQUIRE(!updates.empty());
    CHECK(updates.back().successors == std::vector{node(0x88), node(0x98), node(0xf0)});
  }
}

TEST_CASE("without chord-reactive a better neighbour is told in the periodic Update") {
  Member peer(false);
  peer.peer(0x8c);
  peer.pass(5s);
  CHECK(peer.updates_to(0x88).empty());
  peer.pass(peer.config.chord_update_interval * 2);
  REQUIRE(!peer.updates_to(0x88).empty());
  CHECK(peer.updates_to(0x88).back().successors == std::vector{node(0x88), node(0x8c), node(0x90)});
}

TEST_CASE("6940-10.7.2-2: a lost finger is searched for at once with chord-reactive only, else when it is time") {
  for (const bool reactive : {true, false}) {
    CAPTURE(reactive);
    Member peer(reactive);
    peer.unlink(0xf0);
    CHECK(peer.sent(MessageCode::ping_req).size() == (reactive ? 1 : 0));
  }
}

TEST_CASE("6940-10-2: a ring with periodic recovery only becomes exact again, too, a few intervals later") {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    CAPTURE(seed);
    RingBed bed = ring_of(20, false, seed);
    CHECK(bed.run_until([&] { return bed.exact(); }, 600s) < 400s);
    bed.run(200s);
    const std::vector<std::size_t> ring = bed.living();
    bed.crash(ring[3]);
    bed.crash(ring[4]);
    bed.crash(ring[11]);
    CHECK(bed.run_until([&] { return bed.exact(); }, 1200s) < 600s);
  }
}

TEST_CASE("6940-10.7.1-9: with its last finger gone a peer takes itself for cut off") {
  Member peer;
  CHECK(!peer.topology->cut_off());
  peer.unlink(0xf0);
  peer.unlink(0x88);
  CHECK(!peer.topology->cut_off());  // a neighbour more or less says nothing
  peer.peer(0x88);
  peer.peer(0xe0);
  peer.unlink(0x30);
  CHECK(!peer.topology->cut_off());
  peer.unlink(0xe0);
  CHECK(peer.topology->cut_off());
  SUBCASE("until it has one again") {
    peer.peer(0xe0);
    CHECK(!peer.topology->cut_off());
  }
  SUBCASE("until a bootstrap node turns out to be of the same ring") {
    peer.check_partition_with_answer_of(0x10, 0x88);
    CHECK(!peer.topology->cut_off());
  }
  SUBCASE("but not when that one is of another") {
    peer.check_partition_with_answer_of(0x10, 0xa0);
    CHECK(peer.topology->cut_off());
  }
}

TEST_CASE("6940-10.7.1-10: alone, a peer joins again through the bootstrap node that is found") {
  Lone peer(0x80);
  peer.start_first();
  CHECK(!peer.topology->cut_off());  // it has never had others
  peer.peer(0x90);
  peer.unlink(0x90);
  CHECK(peer.topology->cut_off());
  peer.clear();
  peer.check_partition(0x10);
  peer.time_out(peer.sent(MessageCode::ping_req).at(0));
  CHECK(peer.topology->cut_off());  // to be tried again
  peer.clear();
  peer.check_partition(0x10);
  peer.answer(peer.sent(MessageCode::ping_req).at(0), 0x90, wire::encode(wire::PingAns{}));
  CHECK(peer.topology->status_state() == JoinState::attaching);
  CHECK(peer.want({ring::to_resource(point(0x80) + 1)}));
  CHECK(!peer.topology->cut_off());
}
