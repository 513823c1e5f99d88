// First contact (6940 11.4): whom a node tries, in which order, and what it says when nobody is there.
#include <doctest/doctest.h>

#include <set>

#include "reload/base/limits.hpp"
#include "reload/connect/candidates.hpp"
#include "tests/kit/node_bed.hpp"

using namespace reload;
using namespace reload::kit;
using wire::MessageCode;

namespace {

const Cast& cast = Cast::get();

BedOptions joining(std::vector<Who> bootstrap, std::vector<Who> former = {}, std::uint64_t seed = 1) {
  BedOptions options;
  options.first_peer = false;
  options.bootstrap = std::move(bootstrap);
  options.former_neighbors = std::move(former);
  options.seed = seed;
  return options;
}

// The nodes of one round, in the order in which they are tried; none can be reached.
std::vector<Who> failed_round(NodeBed& bed, std::size_t size) {
  std::vector<Who> tried;
  while (tried.size() < size) {
    REQUIRE(bed.opens.size() == 1);
    REQUIRE(bed.opens.front().addresses.size() == 1);
    tried.push_back(*cast.at(bed.opens.front().addresses.front()));
    bed.answer_open(0, std::nullopt);
  }
  return tried;
}

}  // namespace

TEST_CASE("bootstrap nodes are tried one after the other, in an order by lot, and all again after a pause") {
  const std::vector<Who> nodes{Who::next, Who::second, Who::quarter, Who::half};
  std::set<std::vector<Who>> orders;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    NodeBed bed(joining(nodes, {}, seed));
    const auto round = failed_round(bed, nodes.size());
    CHECK(std::set<Who>(round.begin(), round.end()) == std::set<Who>(nodes.begin(), nodes.end()));
    orders.insert(round);
    CHECK(bed.opens.empty());
    bed.advance(limits::kFirstBootstrapPause * 3 / 2);
    failed_round(bed, nodes.size());
  }
  CHECK(orders.size() > 5);
}

TEST_CASE("6940-11.4-2: former neighbours are tried before the bootstrap nodes, these when none of them is there") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    NodeBed bed(joining({Who::next, Who::second}, {Who::half, Who::quarter}, seed));
    const auto round = failed_round(bed, 4);
    CHECK(std::set<Who>(round.begin(), round.begin() + 2) == std::set<Who>{Who::half, Who::quarter});
    CHECK(std::set<Who>(round.begin() + 2, round.end()) == std::set<Who>{Who::next, Who::second});
  }
}

TEST_CASE("a node that was a neighbour and is a bootstrap node is tried once, and the node itself never") {
  NodeBed bed(joining({Who::next, Who::node}, {Who::next, Who::half, Who::node}));
  failed_round(bed, 2);
  CHECK(bed.opens.empty());
}

TEST_CASE("former neighbours alone will do") {
  NodeBed bed(joining({}, {Who::half}));
  REQUIRE(bed.opens.size() == 1);
  CHECK(cast.at(bed.opens.front().addresses.front()) == Who::half);
}

TEST_CASE("6940-11.4-1, 6940-11.4-3: a link to a bootstrap node first, then an Attach over it to the own id plus one") {
  NodeBed bed(joining({Who::next}));
  CHECK(bed.sent.empty());
  bed.answer_open(0, Who::next);
  const auto attach = bed.take(MessageCode::attach_req);
  REQUIRE(attach);
  CHECK(attach->link == *bed.link_of(Who::next));
  const auto* to = std::get_if<ResourceId>(&attach->header.destination_list.back());
  REQUIRE(to != nullptr);
  Bytes wanted = to_bytes(cast.id(Who::node).view());
  ++wanted.back();
  CHECK(equal(to->view(), wanted));
}

TEST_CASE("6940-6.4.2.1-13: when a whole round was in vain, this is told, each time, with how many were tried") {
  NodeBed bed(joining({Who::next, Who::second}, {Who::half}));
  failed_round(bed, 2);
  CHECK(bed.rounds_failed.empty());
  failed_round(bed, 1);
  CHECK(bed.rounds_failed == std::vector<std::size_t>{3});
  bed.advance(1s);
  failed_round(bed, 3);
  CHECK(bed.rounds_failed == std::vector<std::size_t>{3, 3});
}

TEST_CASE("6940-6.4.2.1-14: only who is told to be the first peer begins the overlay, when nobody is there") {
  BedOptions options = joining({Who::next});
  SUBCASE("told") {
    options.first_peer = true;
    NodeBed bed(options);
    CHECK_FALSE(bed.node().joined());
    failed_round(bed, 1);
    CHECK(bed.node().joined());
    CHECK(bed.rounds_failed.empty());
  }
  SUBCASE("not told") {
    NodeBed bed(options);
    for (int i = 0; i < 20; ++i) {
      failed_round(bed, 1);
      bed.advance(limits::kLastBootstrapPause * 2);
    }
    CHECK_FALSE(bed.node().joined());
  }
}

TEST_CASE("a node in the overlay looks for another ring behind bootstrap nodes only, and reports nothing") {
  BedOptions options = joining({Who::next}, {Who::half});
  options.first_peer = true;
  NodeBed bed(options);
  failed_round(bed, 2);
  REQUIRE(bed.node().joined());
  bed.advance(bed.node().config().chord_update_interval + 1s);
  CHECK(failed_round(bed, 1) == std::vector{Who::next});
  CHECK(bed.opens.empty());
  CHECK(bed.rounds_failed.empty());
}

TEST_CASE("6940-11.4-4: the node that answered the Attach is the one that is asked to be let in") {
  NodeBed bed(joining({Who::next}));
  bed.answer_open(0, Who::next);
  const LinkId contact = *bed.link_of(Who::next);
  const auto attach = bed.take(MessageCode::attach_req);
  REQUIRE(attach);
  wire::Attach offer;
  offer.role = to_bytes(as_bytes(std::string_view("active")));
  bed.deliver(contact, answer_letter(Who::last, cast.id(Who::node), attach->header, MessageCode::attach_ans,
                                     wire::encode(offer)));
  const LinkId link = bed.link_up(Who::last);
  bed.befriend(Who::last);
  bed.advance(30s);
  bool asked = false;
  for (const auto& message : bed.sent) {
    if (message.code() != MessageCode::join_req) continue;
    asked = true;
    CHECK(message.link == link);
    CHECK(message.header.destination_list.back() == wire::Destination(cast.id(Who::last)));
  }
  CHECK(asked);
}

TEST_CASE("where an inbound link's node takes links itself is known from its answer to the Attach") {
  NodeBed bed(joining({Who::next}));
  bed.answer_open(0, Who::next);
  const auto attach = bed.take(MessageCode::attach_req);
  wire::Attach offer;
  offer.role = to_bytes(as_bytes(std::string_view("active")));
  offer.candidates = connect::make_candidates(std::vector{cast.address(Who::half)});
  bed.deliver(*bed.link_of(Who::next), answer_letter(Who::last, cast.id(Who::node), attach->header,
                                                     MessageCode::attach_ans, wire::encode(offer)));
  bed.link_up(Who::last);
  const auto status = bed.node().status(bed.now());
  REQUIRE(status.links.size() == 2);
  for (const auto& link : status.links) {
    if (link.node == cast.id(Who::last))
      CHECK(link.listens_at == cast.address(Who::half));
    else
      CHECK(link.listens_at == cast.address(Who::next));
  }
}
