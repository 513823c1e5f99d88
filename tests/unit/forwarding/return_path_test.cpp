// The way back over several hops: plain, with a compressed Via List, and to a node whose name nobody knows yet.
#include <doctest/doctest.h>

#include "reload/base/limits.hpp"
#include "tests/unit/forwarding/fake_route.hpp"

using namespace reload;
using namespace reload::forwarding;
using namespace reload::test;
using wire::Destination;
using wire::DestinationList;

namespace {

Bytes join(const Forward& forward) {
  Bytes message = forward.head;
  append(message, forward.body.view());
  return message;
}

// Nodes A (1), B (2), X (3), Z (4) in a row, as in guide 4.4.
struct Row {
  Bed a{node(1)}, b{node(2)}, x{node(3)}, z{node(4)};
  Row() {
    a.connected = {node(2)};
    b.connected = {node(1), node(3)};
    x.connected = {node(2), node(4)};
    z.connected = {node(3)};
    a.route.hops_for_own = {node(2)};
    b.route.hops = {node(3)};
    x.route.hops = {node(4)};
    z.route.own_resources = {resource(9)};
  }
  void compress_at(Bed& bed) {
    ForwardingRules rules = bed.forwarder.rules();
    rules.compress_via = true;
    bed.forwarder.set_rules(rules);
  }
  static Decision pass(Bed& bed, const Decision& from, std::uint8_t sender, Now now = at(0s)) {
    REQUIRE(std::holds_alternative<Forward>(from));
    return bed.forwarder.receive(SharedBytes(join(std::get<Forward>(from))), {LinkId{sender}, node(sender)}, bed.route,
                                 now);
  }
  // A's request, as Z delivers it.
  Deliver request() {
    Decision decision =
        a.forwarder.originate(request_header(a.forwarder, {resource(9)}, 5, 1), SharedBytes(kRequest), a.route, at(0s));
    decision = pass(b, decision, 1);
    decision = pass(x, decision, 2);
    decision = pass(z, decision, 3);
    REQUIRE(std::holds_alternative<Deliver>(decision));
    return std::get<Deliver>(decision);
  }
  Decision respond(const Deliver& request) {
    return z.forwarder.originate(response_header(z.forwarder, request.header, request.previous_hop, 1),
                                 SharedBytes(kResponse), z.route, at(1s));
  }
};

}  // namespace

TEST_CASE("6940-6.2-1: a response comes back over the nodes of its request") {
  Row row;
  const Deliver request = row.request();
  CHECK(request.header.via_list == DestinationList{node(1), node(2)});
  CHECK(request.header.ttl == 98);
  Decision decision = row.respond(request);
  CHECK(header_of(std::get<Forward>(decision)).destination_list == DestinationList{node(3), node(2), node(1)});
  decision = Row::pass(row.x, decision, 4);
  decision = Row::pass(row.b, decision, 3);
  decision = Row::pass(row.a, decision, 2);
  REQUIRE(std::holds_alternative<Deliver>(decision));
  CHECK(std::get<Deliver>(decision).header.transaction_id == 5);
}

TEST_CASE("6940-6.1.2-8 6940-6.1.3-1: a Via List behind an own opaque id is there again for the response") {
  Row row;
  SUBCASE("one node compresses") { row.compress_at(row.x); }
  SUBCASE("every node compresses") {
    row.compress_at(row.b);
    row.compress_at(row.x);
  }
  const Deliver request = row.request();
  REQUIRE(request.header.via_list.size() == 1);
  CHECK(std::get<wire::OpaqueId>(request.header.via_list[0]).compressed);
  Decision decision = row.respond(request);
  decision = Row::pass(row.x, decision, 4, at(14s));
  decision = Row::pass(row.b, decision, 3, at(14s));
  decision = Row::pass(row.a, decision, 2, at(14s));
  CHECK(std::holds_alternative<Deliver>(decision));
}

TEST_CASE("6940-6.1.2-11 6940-6.1.2-12: state for the way back lives 15 s and no longer") {
  Row row;
  row.compress_at(row.x);
  const Decision response = row.respond(row.request());
  CHECK(std::holds_alternative<Forward>(Row::pass(row.x, response, 4, at(15s - 1us))));
  const Decision late = Row::pass(row.x, response, 4, at(15s));
  REQUIRE(std::holds_alternative<Drop>(late));
  CHECK(std::get<Drop>(late).reason == Counter::messages_dropped_opaque);
}

TEST_CASE("6940-6.1.2-17 T7: the answer to a Ping or Attach of a node without a bound Node-ID finds its link") {
  Bed bed;
  const Arrival unbound{LinkId{77}, std::nullopt};
  SUBCASE("answered further on") {
    const Decision onward = bed.receive(header_to({node(30)}), body_of(wire::MessageCode::attach_req), unbound);
    REQUIRE(std::holds_alternative<Forward>(onward));
    const DestinationList via = header_of(std::get<Forward>(onward)).via_list;
    REQUIRE(via.size() == 1);
    const Bytes answer = body_of(wire::MessageCode::attach_ans);
    const Decision back = bed.receive(header_to({node(10), via[0]}), answer, {LinkId{3}, node(30)});
    REQUIRE(std::holds_alternative<Forward>(back));
    CHECK(std::get<Forward>(back).hop == Hop(LinkId{77}));
    CHECK(header_of(std::get<Forward>(back)).destination_list == DestinationList{NodeId::wildcard()});
    bed.forwarder.on_link_closed(LinkId{77});
    CHECK(std::holds_alternative<Drop>(bed.receive(header_to({node(10), via[0]}), answer, {LinkId{3}, node(30)})));
  }
  SUBCASE("answered here") {
    const Decision here = bed.receive(header_to({node(10)}), body_of(wire::MessageCode::ping_req), unbound);
    REQUIRE(std::holds_alternative<Deliver>(here));
    const auto& ping = std::get<Deliver>(here);
    const Decision back = bed.forwarder.originate(response_header(bed.forwarder, ping.header, ping.previous_hop, 1),
                                                  SharedBytes(body_of(wire::MessageCode::ping_ans)), bed.route, at(0s));
    REQUIRE(std::holds_alternative<Forward>(back));
    CHECK(std::get<Forward>(back).hop == Hop(LinkId{77}));
  }
}

TEST_CASE("6940-6.3.2.2-11 6940-6.3.2.2-13: an opaque id is 1, generation (3), slot (12), the same for one link") {
  Prng rng(3);
  OpaqueTable table(rng);
  const auto first = table.for_link(LinkId{1}, at(0s));
  CHECK(first == table.for_link(LinkId{1}, at(9s)));
  CHECK(first->bytes.size() == 2);
  CHECK((first->bytes[0] & 0x80) != 0);
  const auto second = table.for_link(LinkId{2}, at(0s));
  const auto slot = [](const wire::OpaqueId& id) { return (id.bytes[0] & 0x0f) << 8 | id.bytes[1]; };
  CHECK(slot(*first) != slot(*second));
  CHECK(table.resolve(*second, at(0s)) == OpaqueTable::Meaning(LinkId{2}));
}

TEST_CASE("6940-6.3.2.2-15 6940-6.3.2.2-16: a slot in use again is not taken for what it was") {
  Prng rng(3);
  OpaqueTable table(rng);
  const auto old_id = table.for_link(LinkId{1}, at(0s));
  table.forget_link(LinkId{1});
  CHECK_FALSE(table.resolve(*old_id, at(0s)));
  for (std::uint64_t link = 2; link < 2 + 4096; ++link) REQUIRE(table.for_link(LinkId{link}, at(0s)));
  CHECK_FALSE(table.resolve(*old_id, at(0s)));
  CHECK_FALSE(table.for_link(LinkId{9999}, at(0s)));  // every slot is in use
}

TEST_CASE("6940-6.3.2.2-12: generations begin at random") {
  const auto generations = [](std::uint64_t seed) {
    Prng rng(seed);
    OpaqueTable table(rng);
    std::vector<int> seen;
    for (std::uint64_t link = 0; link < 64; ++link) {
      seen.push_back(table.for_link(LinkId{link}, at(0s))->bytes[0] >> 4 & 7);
    }
    return seen;
  };
  CHECK(generations(1) == generations(1));
  CHECK(generations(1) != generations(2));
  const std::vector<int> seen = generations(1);
  CHECK(std::set<int>(seen.begin(), seen.end()).size() == 8);
}

TEST_CASE("when no slot is free a Via List is extended as usual") {
  Row row;
  row.compress_at(row.b);
  const wire::ForwardingHeader header = header_to({resource(9)}, {node(50)});
  std::size_t compressed = 0;
  for (int i = 0; i < 4200; ++i) {
    const Decision decision = row.b.receive(header, kRequest, {LinkId{1}, node(1)});
    REQUIRE(std::holds_alternative<Forward>(decision));
    const DestinationList via = header_of(std::get<Forward>(decision)).via_list;
    if (via.size() == 1) ++compressed;
    if (via.size() != 1) CHECK(via == DestinationList{node(50), node(1)});
  }
  CHECK(compressed == 4096);
  const Decision later = row.b.receive(header, kRequest, {LinkId{1}, node(1)}, at(limits::kReturnStateTime));
  CHECK(header_of(std::get<Forward>(later)).via_list.size() == 1);
}
