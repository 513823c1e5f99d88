// What forwarding and storage ask.
#include <doctest/doctest.h>

#include "tests/unit/topology/lone.hpp"

using namespace reload;
using namespace reload::topology;
using namespace reload::topology::test;

namespace {

struct Member : Lone {
  explicit Member(const std::vector<unsigned>& others) : Lone(0x80) {
    start_first();
    for (unsigned other : others) peer(other);
    clear();
  }
};

}  // namespace

TEST_CASE("alone, a peer is in charge of everything") {
  Member peer({});
  CHECK(peer.topology->responsible(resource(0x80)));
  CHECK(peer.topology->responsible(resource(0x81)));
  CHECK(peer.topology->responsible_ppb() == 1'000'000'000);
  CHECK(peer.topology->next_hops(resource(0x10), true).empty());
  CHECK(peer.topology->status().successor_answers);
}

TEST_CASE("6940-10.1-4: a peer is in charge of (predecessor, itself]") {
  Member peer({0x40, 0xc0});
  CHECK(peer.topology->responsible(resource(0x80)));
  CHECK(peer.topology->responsible(resource(0x41)));
  CHECK(!peer.topology->responsible(resource(0x40)));
  CHECK(!peer.topology->responsible(resource(0x81)));
  CHECK(peer.topology->responsible(node(0x50)));
  CHECK(peer.topology->responsible_ppb() == 250'000'000);
  CHECK(!peer.topology->responsible(ResourceId(Bytes(20, 1))));
  CHECK(peer.topology->next_hops(ResourceId(Bytes(20, 1)), true).empty());
}

TEST_CASE("T4: only peers that sent an Update are routed through") {
  Member peer({0xc0});
  peer.link(0xa0);
  CHECK(peer.topology->next_hops(resource(0xb0), false).front() == node(0xc0));
  peer.update(0xa0, {}, {});
  CHECK(peer.topology->next_hops(resource(0xb0), false).front() == node(0xa0));
}

TEST_CASE("replicas go to the first two successors") {
  Member peer({0x90, 0xa0, 0xb0, 0x70});
  CHECK(peer.topology->replica_targets() == std::vector{node(0x90), node(0xa0)});
  CHECK(Member({0x90}).topology->replica_targets() == std::vector{node(0x90)});
}

TEST_CASE("6940-10.7.3-9: a peer is in the replica set of what fewer than three peers are nearer to") {
  Member peer({0x50, 0x60, 0x70, 0x90});
  CHECK(peer.topology->in_replica_set(resource(0x75)));
  CHECK(peer.topology->in_replica_set(resource(0x65)));
  CHECK(peer.topology->in_replica_set(resource(0x51)));
  CHECK(!peer.topology->in_replica_set(resource(0x50)));
  CHECK(!peer.topology->in_replica_set(resource(0x81)));
  CHECK(Member({0x70, 0x90}).topology->in_replica_set(resource(0x81)));  // three peers: everything everywhere
}

TEST_CASE("6940-10.4-4: replicas come from those who may hold the resource") {
  Member peer({0x50, 0x60, 0x70, 0x90});
  CHECK(peer.topology->plausible_replica_source(resource(0x65), node(0x70)));
  CHECK(peer.topology->plausible_replica_source(resource(0x65), node(0x68)));  // a newcomer nearer than those known
  CHECK(peer.topology->plausible_replica_source(resource(0x75), node(0x90)));  // T33: the owner before us
  CHECK(!peer.topology->plausible_replica_source(resource(0x65), node(0x60)));
  CHECK(!peer.topology->plausible_replica_source(resource(0x65), node(0xa0)));
}

TEST_CASE("an answer may not come from a peer farther than a known neighbour") {
  Member peer({0x50, 0x60, 0x70, 0x90, 0xa0});
  CHECK(peer.topology->plausible_responder(resource(0x65), node(0x70)));
  CHECK(peer.topology->plausible_responder(resource(0x65), node(0x68)));
  CHECK(!peer.topology->plausible_responder(resource(0x65), node(0x90)));
  CHECK(peer.topology->plausible_responder(resource(0xd0), node(0xe0)));
}

TEST_CASE("whom a resource belongs to now") {
  Member peer({0x60, 0x70, 0x90});
  CHECK(peer.topology->owner_of(resource(0x75)) == peer.self);
  CHECK(peer.topology->owner_of(resource(0x65)) == node(0x70));
  CHECK(peer.topology->owner_of(resource(0x85)) == node(0x90));
  CHECK(peer.topology->owner_of(resource(0x95)) == node(0x60));
}

TEST_CASE("6940-10.7-4: every neighbour is linked, and a link that goes is a neighbour that goes") {
  RingBed bed(11);
  for (int i = 0; i < 20; ++i) bed.add();
  bed.start_first(0);
  for (std::size_t i = 1; i < 20; ++i) bed.start_join(i, 0);
  bed.run(10s);
  for (std::size_t i = 0; i < 20; ++i) {
    const TopologyStatus status = bed.chord(i).status();
    CHECK(status.successors.size() == 3);
    for (const NodeId& other : status.successors) CHECK(bed.linked(i, bed.index(other)));
    for (const NodeId& other : status.predecessors) CHECK(bed.linked(i, bed.index(other)));
  }
}
