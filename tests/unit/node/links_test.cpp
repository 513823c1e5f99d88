// Who gets a link to the node, what an unruly one costs it, and how it ends.
#include <doctest/doctest.h>

#include <array>

#include "reload/base/limits.hpp"
#include "reload/connect/candidates.hpp"
#include "tests/kit/node_bed.hpp"

using namespace reload;
using namespace reload::kit;
using wire::MessageCode;

namespace {

const Cast& cast = Cast::get();

bool is_known(NodeBed& bed, Who who) {
  const auto status = bed.node().status(bed.now());
  for (const auto& link : status.links)
    if (link.node == cast.id(who)) return true;
  return false;
}

}  // namespace

TEST_CASE("a link is refused to who does not belong to the overlay, and what comes over it is not read") {
  for (const Who who : {Who::expired, Who::of_other_overlay, Who::banned, Who::node}) {
    NodeBed bed;
    const LinkId link = bed.link_up(who);
    CHECK(bed.closed.contains(link));
    CHECK(bed.count(Counter::links_refused) == 1);
    bed.input(node::LinkBytes{link, SharedBytes(framed(0, letter(Who::next, {cast.id(Who::node)}, MessageCode::ping_req,
                                                                 wire::encode(wire::PingReq{}), 1)
                                                              .bytes()))});
    CHECK(bed.count(Counter::frames_received) == 0);
    CHECK(bed.sent.empty());
  }
}

TEST_CASE("a link whose other side showed no certificate, or something else, is refused") {
  NodeBed bed;
  const LinkId empty = bed.node().new_link();
  bed.links[empty] = Who::next;
  bed.input(node::LinkUp{empty, {}, cast.address(Who::next), true, std::nullopt});
  CHECK(bed.closed.contains(empty));
  const LinkId noise = bed.node().new_link();
  bed.links[noise] = Who::next;
  bed.input(node::LinkUp{noise, {Bytes(500, 7)}, cast.address(Who::next), true, std::nullopt});
  CHECK(bed.closed.contains(noise));
  CHECK(bed.count(Counter::links_refused) == 2);
  CHECK(bed.count(Counter::links_opened) == 0);
}

TEST_CASE("6940-4.4-1: with the handshake done a node is in the Connection Table, and messages go to it directly") {
  NodeBed bed;
  bed.befriend(Who::half);
  bed.sent.clear();
  const auto ping_second = [&] {
    bed.input(node::CallPing{bed.new_call(), {cast.id(Who::second)}});
    const auto ping = bed.take(MessageCode::ping_req);
    REQUIRE(ping);
    return ping->link;
  };
  CHECK(ping_second() == *bed.link_of(Who::half));
  const LinkId link = bed.link_up(Who::second);
  CHECK(is_known(bed, Who::second));
  CHECK(ping_second() == link);
  // And from it, as the first thing it does.
  bed.deliver(link, letter(Who::second, {cast.id(Who::node)}, MessageCode::ping_req, wire::encode(wire::PingReq{}), 7));
  const auto answer = bed.take(MessageCode::ping_ans);
  REQUIRE(answer);
  CHECK(answer->link == link);
}

TEST_CASE(
    "6940-6.6-6, 6940-6.6-7: a link without acknowledgements is out of the Routing Table within seconds, and back") {
  NodeBed bed;
  const LinkId link = bed.befriend(Who::next);
  bed.befriend(Who::half);
  bed.acknowledge(link);
  bed.acknowledge(*bed.link_of(Who::half));
  const auto successor = [&] { return bed.node().status(bed.now()).topology.successors.front(); };
  REQUIRE(successor() == cast.id(Who::next));
  bed.input(node::CallPing{bed.new_call(), {cast.id(Who::next)}});
  for (int i = 0; i < 6; ++i) {
    bed.advance(500ms);
    bed.acknowledge(*bed.link_of(Who::half));
  }
  CHECK(successor() == cast.id(Who::half));
  CHECK_FALSE(bed.closed.contains(link));
  bed.acknowledge(link);
  bed.befriend(Who::next);
  CHECK(successor() == cast.id(Who::next));
}

TEST_CASE("bytes that are no frames cost their sender the link, and nobody else") {
  NodeBed bed;
  const LinkId good = bed.befriend(Who::next);
  const LinkId bad = bed.befriend(Who::second);
  bed.receive(bad, Bytes{1, 2, 3});
  CHECK(bed.closed.contains(bad));
  CHECK_FALSE(is_known(bed, Who::second));
  CHECK(is_known(bed, Who::next));
  CHECK(bed.links.contains(good));
  CHECK(bed.count(Counter::frames_malformed) == 1);
}

TEST_CASE("6940-6.6-2: a message above max-message-size is answered, then its link is closed and not read before") {
  NodeBed bed({.document = {.small_messages = true}});
  const LinkId link = bed.befriend(Who::next);
  bed.sent.clear();
  bed.deliver(link, letter(Who::next, {cast.id(Who::node)}, MessageCode::ping_req,
                           wire::encode(wire::PingReq{Bytes(2400)}), 9));
  const auto error = bed.take(MessageCode::error);
  REQUIRE(error);
  CHECK(error->link == link);
  CHECK(wire::decode<wire::ErrorResponse>(error->parsed()->body)->code == wire::ErrorCode::message_too_large);
  bed.receive(link, Bytes(100));
  CHECK(bed.count(Counter::frames_malformed) == 0);
  bed.advance(1s);
  CHECK(bed.closed.contains(link));
  CHECK(bed.count(Counter::frames_oversized) == 1);
}

TEST_CASE("the certificate of a neighbour that was put on the bad-node list closes its link") {
  NodeBed bed;
  const LinkId link = bed.befriend(Who::quarter);
  const LinkId half = bed.befriend(Who::half);
  CHECK(is_known(bed, Who::quarter));
  wire::ConfigUpdateReq update;
  update.config_data = to_bytes(as_bytes(cast.document({.sequence = 2, .bans_quarter = true})));
  Letter offer = letter(Who::half, {cast.id(Who::node)}, MessageCode::config_update_req, wire::encode(update), 10);
  offer.header.configuration_sequence = wire::kAnyConfigSequence;
  bed.deliver(half, offer);
  CHECK(bed.node().config().sequence == 2);
  CHECK(bed.closed.contains(link));
  CHECK_FALSE(bed.closed.contains(half));
}

TEST_CASE("a configuration that its signer did not sign changes nothing") {
  NodeBed bed;
  const LinkId half = bed.befriend(Who::half);
  wire::ConfigUpdateReq update;
  update.config_data = to_bytes(as_bytes(cast.document({.sequence = 2, .wrong_signer = true})));
  Letter offer = letter(Who::half, {cast.id(Who::node)}, MessageCode::config_update_req, wire::encode(update), 10);
  offer.header.configuration_sequence = wire::kAnyConfigSequence;
  bed.deliver(half, offer);
  CHECK(bed.node().config().sequence == 1);
  CHECK(bed.count(Counter::config_updates_refused) == 1);
}

TEST_CASE("a node that left reports it once and then has nothing more to do") {
  NodeBed bed;
  bed.befriend(Who::next);
  bed.input(node::Leave{});
  bed.advance(60s);
  CHECK(bed.left);
  bed.advance(std::chrono::hours(2));  // NodeBed fails when a deadline stays in the past
}

TEST_CASE("there are at most so many links: one more is closed, whoever opened it") {
  NodeBed bed;
  for (std::size_t i = 0; i < limits::kMaxLinks; ++i) bed.link_up(Who::next);
  REQUIRE(bed.closed.empty());
  CHECK(bed.closed.contains(bed.link_up(Who::second)));
  // The node opens one itself to answer an Attach.
  wire::Attach offer;
  offer.role = to_bytes(as_bytes("passive"));
  offer.candidates = connect::make_candidates(std::array{cast.address(Who::next)});
  bed.deliver(*bed.link_of(Who::next),
              letter(Who::next, {cast.id(Who::node)}, MessageCode::attach_req, wire::encode(offer), 9));
  REQUIRE(bed.opens.size() == 1);
  const LinkId opened = bed.opens.front().link;
  bed.answer_open(0, Who::next);
  CHECK(bed.closed.contains(opened));
}
