#include "reload/link/connection_table.hpp"

#include <doctest/doctest.h>

#include "reload/wire/codec.hpp"

using namespace reload;
using namespace reload::link;

namespace {

NodeId node(std::uint8_t n) { return NodeId(Bytes(16, n)); }
Now at(Duration since_start) { return {Mono(since_start), Wall(since_start)}; }

struct Bed {
  Counters counters;
  ConnectionTable table{5000, counters};
};

}  // namespace

TEST_CASE("a link is found by its id and by its node") {
  Bed bed;
  REQUIRE(bed.table.add_overlay(LinkId{2}, node(7), true) != nullptr);
  REQUIRE(bed.table.add_overlay(LinkId{1}, node(5), false) != nullptr);
  CHECK(bed.table.link_to(node(7))->id == LinkId{2});
  CHECK(bed.table.find(LinkId{1})->node == node(5));
  CHECK(bed.table.nodes() == std::vector<NodeId>{node(5), node(7)});
  CHECK(bed.table.link_to(node(6)) == nullptr);
  CHECK(bed.table.remove(LinkId{2}));
  CHECK_FALSE(bed.table.remove(LinkId{2}));
  CHECK_FALSE(bed.table.connected(node(7)));
}

TEST_CASE("T52: of several links to one node the newest that works is used") {
  Bed bed;
  Link* old_link = bed.table.add_overlay(LinkId{9}, node(7), true);
  Link* new_link = bed.table.add_overlay(LinkId{3}, node(7), false);
  CHECK(bed.table.link_to(node(7)) == new_link);
  (void)bed.table.send(*new_link, Bytes{1}, {}, {}, at(0s));
  CHECK(bed.table.on_time(at(1s)).size() == 1);
  CHECK(bed.table.link_to(node(7)) == old_link);
  CHECK(bed.table.working(node(7)));
  (void)bed.table.send(*old_link, Bytes{1}, {}, {}, at(1s));
  CHECK(bed.table.on_time(at(2s)).size() == 1);
  CHECK(bed.table.link_to(node(7)) == new_link);  // better than none
  CHECK_FALSE(bed.table.working(node(7)));
  CHECK(bed.table.remove(LinkId{3}));
  CHECK(bed.table.connected(node(7)));
  CHECK(bed.table.links_to(node(7)) == std::vector<LinkId>{LinkId{9}});
}

TEST_CASE("6940-6.6.5-4: the table tells which links became suspect and which died") {
  Bed bed;
  Link* link = bed.table.add_overlay(LinkId{1}, node(7), true);
  bed.table.add_overlay(LinkId{2}, node(8), true);
  CHECK_FALSE(bed.table.next_deadline());
  (void)bed.table.send(*link, Bytes{1}, {}, {}, at(0s));
  REQUIRE(bed.table.next_deadline() == Mono(1s));
  const auto suspect = bed.table.on_time(at(1s));
  REQUIRE(suspect.size() == 1);
  CHECK(suspect[0].node == node(7));
  CHECK(suspect[0].health == Health::suspect);
  REQUIRE(bed.table.next_deadline() == Mono(31s));
  const auto dead = bed.table.on_time(at(31s));
  REQUIRE(dead.size() == 1);
  CHECK(dead[0].health == Health::dead);
}

TEST_CASE("a deadline made early by an acknowledgement does no harm") {
  Bed bed;
  Link* link = bed.table.add_overlay(LinkId{1}, node(7), true);
  (void)bed.table.send(*link, Bytes{1}, {}, {}, at(0s));
  (void)link->session->feed(SharedBytes(wire::encode(wire::AckFrame{0, 0})), at(10ms));
  CHECK(bed.table.on_time(at(1s)).empty());
  CHECK_FALSE(bed.table.next_deadline());
}

TEST_CASE("T7: a link without Node-ID is in no node's way until it is bound, once") {
  Bed bed;
  bed.table.add_overlay(LinkId{1}, std::nullopt, true);
  CHECK(bed.table.nodes().empty());
  CHECK(bed.table.bind(LinkId{1}, node(7)));
  CHECK(bed.table.bind(LinkId{1}, node(7)));
  CHECK_FALSE(bed.table.bind(LinkId{1}, node(8)));
  CHECK_FALSE(bed.table.bind(LinkId{2}, node(8)));
  CHECK(bed.table.link_to(node(7))->id == LinkId{1});
}

TEST_CASE("an application's connection carries no overlay messages") {
  Bed bed;
  Link* pipe = bed.table.add_application(LinkId{1}, node(7), ApplicationId{5060}, true);
  REQUIRE(pipe != nullptr);
  CHECK_FALSE(pipe->is_overlay());
  CHECK_FALSE(bed.table.connected(node(7)));
  CHECK(bed.table.link_to(node(7)) == nullptr);
  CHECK(bed.table.remove(LinkId{1}));
}

TEST_CASE("links are bounded, those without Node-ID more tightly") {
  Bed bed;
  std::uint64_t id = 0;
  for (std::size_t i = 0; i < limits::kMaxUnboundLinks; ++i) {
    REQUIRE(bed.table.add_overlay(LinkId{++id}, std::nullopt, true) != nullptr);
  }
  CHECK(bed.table.add_overlay(LinkId{++id}, std::nullopt, true) == nullptr);
  CHECK(bed.counters.get(Counter::links_refused) == 1);
  CHECK(bed.table.bind(LinkId{1}, node(7)));
  CHECK(bed.table.add_overlay(LinkId{++id}, std::nullopt, true) != nullptr);
  while (bed.table.size() < limits::kMaxLinks) REQUIRE(bed.table.add_overlay(LinkId{++id}, node(8), true) != nullptr);
  CHECK(bed.table.add_overlay(LinkId{++id}, node(9), true) == nullptr);
}
