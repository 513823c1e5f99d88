#include "reload/topology/chord_tables.hpp"

#include <doctest/doctest.h>

#include "tests/unit/topology/lone.hpp"

using namespace reload;
using namespace reload::topology;
using namespace reload::topology::test;

namespace {

ChordTables tables(unsigned self, const std::vector<unsigned>& peers) {
  ChordTables made(node(self));
  for (unsigned peer : peers) made.insert(node(peer));
  return made;
}

}  // namespace

TEST_CASE("6940-10.3-1, 6940-10.3-3: the next hop is the peer with the largest id between here and there") {
  const ChordTables made = tables(0x10, {0x20, 0x40, 0x80, 0xf0});
  CHECK(made.next_hop(point(0x90)) == node(0x80));
  CHECK(made.next_hop(point(0x21)) == node(0x20));
  CHECK(made.next_hop(point(0x05)) == node(0xf0));  // around zero
}

TEST_CASE("6940-10.3-2: what is exactly at a peer's Node-ID goes to that peer at once") {
  ChordTables made = tables(0x10, {0x20, 0x40, 0x80});
  CHECK(made.next_hop(point(0x80)) == node(0x80));
  CHECK(made.next_hop(point(0x40)) == node(0x40));
  made.set_suspect(node(0x80), true);
  CHECK(made.next_hop(point(0x80)) == node(0x40));
}

TEST_CASE("6940-10.3-4: if there is none, it is the first peer after the point") {
  const ChordTables made = tables(0x10, {0x20, 0x40, 0xf0});
  CHECK(made.next_hop(point(0x18)) == node(0x20));
  CHECK(made.next_hop(point(0x20)) == node(0x20));
  CHECK(tables(0x10, {0x08}).next_hop(point(0x18)) == node(0x08));
  CHECK(!tables(0x10, {}).next_hop(point(0x18)));
}

TEST_CASE("suspect peers are passed by unless nothing else makes progress") {
  ChordTables made = tables(0x10, {0x20, 0x40, 0x80});
  made.set_suspect(node(0x40), true);
  CHECK(made.next_hop(point(0x50)) == node(0x20));
  made.set_suspect(node(0x20), true);
  CHECK(made.next_hop(point(0x50)) == node(0x80));
  CHECK(made.next_hop(point(0x18)) == node(0x20));
  made.set_suspect(node(0x80), true);
  CHECK(made.next_hop(point(0x50)) == node(0x40));
  made.set_suspect(node(0x40), false);
  CHECK(made.next_hop(point(0x90)) == node(0x40));
}

TEST_CASE(
    "6940-10.7-5, 6940-10.1-1, 6940-10.1-2: three predecessors and successors where the ring has them, nearest first") {
  const NeighborLists lists = tables(0x10, {0x20, 0x30, 0x40, 0x50, 0xe0, 0xf0, 0x00}).neighbors();
  CHECK(lists.successors == std::vector{node(0x20), node(0x30), node(0x40)});
  CHECK(lists.predecessors == std::vector{node(0x00), node(0xf0), node(0xe0)});
  const NeighborLists small = tables(0x10, {0x20, 0x30}).neighbors();
  CHECK(small.successors == std::vector{node(0x20), node(0x30)});
  CHECK(small.predecessors == std::vector{node(0x30), node(0x20)});
}

TEST_CASE("6940-10.7-6: in all as many neighbours as the binary logarithm of the number of peers") {
  const auto each_side_of = [](unsigned log) {
    ChordTables made(node(0x10));
    const ring::Point gap = ring::power_of_two(128 - log);
    for (unsigned i = 1; i <= 20; ++i) {
      made.insert(ring::to_node(point(0x10) + gap * i));
      made.insert(ring::to_node(point(0x10) - gap * i));
    }
    CHECK(made.neighbors().successors.size() == made.each_side());
    CHECK(made.neighbors().predecessors.size() == made.each_side());
    const auto count = static_cast<unsigned>(made.each_side());
    CHECK(made.is_neighbor(ring::to_node(point(0x10) + gap * count)));
    CHECK(!made.is_neighbor(ring::to_node(point(0x10) + gap * (count + 1))));
    return made.each_side();
  };
  CHECK(each_side_of(6) == 3);  // 64 peers
  CHECK(each_side_of(8) == 4);
  CHECK(each_side_of(10) == 5);
  CHECK(each_side_of(16) == 8);
  CHECK(each_side_of(100) == limits::kMaxNeighborsEachSide);  // nobody has so many: the ids are made up
  CHECK(tables(0x10, {0x11, 0x12, 0x13, 0x0f, 0x0e}).each_side() == 3);
}

TEST_CASE("6940-10.7.3-6: a peer never stands in its own tables") {
  ChordTables made = tables(0x10, {0x20});
  CHECK(!made.insert(node(0x10)));
  CHECK(made.neighbors().successors == std::vector{node(0x20)});
  CHECK(!made.is_neighbor(node(0x10)));
}

TEST_CASE("only ids of 16 bytes are points of the ring") {
  ChordTables made = tables(0x10, {});
  const Bytes longer(20, 7);
  CHECK(!made.insert(NodeId(longer)));
  CHECK(!made.is_neighbor(NodeId(longer)));
}

TEST_CASE("who would be a neighbour, alone and among others") {
  const ChordTables made = tables(0x00, {0x10, 0x20, 0x30, 0x80, 0xd0, 0xe0, 0xf0});
  CHECK(made.is_neighbor(node(0x10)));
  CHECK(!made.is_neighbor(node(0x80)));
  CHECK(made.is_neighbor(node(0x28)));
  CHECK(!made.is_neighbor(node(0x38)));
  CHECK(made.is_neighbor(node(0xd8)));
  const std::vector<NodeId> wanted{node(0x01), node(0x02), node(0x03), node(0x04), node(0xff)};
  CHECK(made.neighbors_among(wanted) == std::vector{node(0x01), node(0x02), node(0x03), node(0xff)});
}

TEST_CASE(
    "6940-10.7.2-1, 6940-10.1-3: a slot's finger is the first peer in its range; a lost one leaves no reference") {
  ChordTables made = tables(0x00, {0x02, 0x41, 0x60, 0x81, 0xa0});
  CHECK(made.finger(1) == node(0x81));
  CHECK(made.finger(2) == node(0x41));
  CHECK(!made.finger(3));
  CHECK(made.fingers() == std::vector{node(0x02), node(0x41), node(0x81)});  // in ascending order
  made.erase(node(0x81));
  CHECK(made.finger(1) == node(0xa0));
  CHECK(made.next_hop(point(0x90)) == node(0x60));
  made.erase(node(0xa0));
  CHECK(!made.finger(1));
  CHECK(made.next_hop(point(0xb0)) == node(0x60));
}

TEST_CASE(
    "6940-10.7.4.3-2, 6940-10.7.4.3-3: the Finger Table grows from 16 slots to as many as reach the neighbours, up to "
    "128") {
  ChordTables made(node(0));
  CHECK(made.finger_slots() == 16);
  made.insert(node(0x40));
  CHECK(made.finger_slots() == 16);
  ChordTables dense(node(0));
  for (unsigned i = 1; i <= 3; ++i) dense.insert(ring::to_node(ring::Point{i} << 64));
  CHECK(dense.finger_slots() == 63);
  ChordTables densest(node(0));
  for (unsigned i = 1; i <= 3; ++i) densest.insert(ring::to_node(ring::Point{i}));
  CHECK(densest.finger_slots() == 127);
}

TEST_CASE("slots whose start a neighbour owns need no search") {
  const ChordTables made = tables(0x00, {0x01, 0x02, 0x10, 0x80, 0xf0, 0xf1, 0xf2});
  CHECK(!made.finger_needless(3));  // starts at 0x20
  CHECK(made.finger_needless(4));   // starts at 0x10
  CHECK(made.finger_needless(5));
  CHECK(tables(0x00, {0x01, 0x80}).finger_needless(1));
}
