// A node over datagram links: Simple Reliability (6940 6.6.3.1) and fragments (6940 6.7) from end to end.
#include <doctest/doctest.h>

#include "reload/forwarding/fragments.hpp"
#include "tests/kit/node_bed.hpp"

using namespace reload;
using namespace reload::kit;
using wire::MessageCode;

namespace {

const Cast& cast = Cast::get();
constexpr std::size_t kMtu = 1000;

LinkId datagram_link(NodeBed& bed, Who who, std::size_t mtu = kMtu) {
  const LinkId link = bed.node().new_link();
  bed.links[link] = who;
  bed.input(node::LinkUp{link,
                         {to_bytes(cast.credential(who)->certificate->der.view())},
                         cast.address(who),
                         true,
                         std::nullopt,
                         link::DatagramPath{.mtu = mtu}});
  return link;
}

// Acknowledges what comes over the link until nothing more does; the messages and fragments that came.
std::vector<NodeBed::Sent> take_all(NodeBed& bed, LinkId link) {
  std::vector<NodeBed::Sent> all;
  for (bool busy = true; busy;) {
    busy = false;
    for (auto& one : bed.sent) {
      if (one.link != link) continue;
      all.push_back(std::move(one));
      busy = true;
    }
    std::erase_if(bed.sent, [&](const auto& one) { return one.link == link; });
    bed.acknowledge(link);
    bed.advance(10ms);
  }
  return all;
}

Letter ping(Who from, const NodeId& to, std::size_t padding, TransactionId transaction) {
  return letter(from, {to}, MessageCode::ping_req, wire::encode(wire::PingReq{Bytes(padding, 3)}), transaction);
}

std::vector<forwarding::Piece> pieces_of(const Letter& letter, std::size_t mtu) {
  return forwarding::cut(letter.header, SharedBytes(letter.body()), mtu);
}

Bytes bytes_of(const forwarding::Piece& piece) {
  Bytes bytes = piece.head;
  append(bytes, piece.body.view());
  return bytes;
}

}  // namespace

TEST_CASE("6940-6.6.3.1-2: over a datagram link the node sends one message at a time and sends it again") {
  NodeBed bed;
  const LinkId link = datagram_link(bed, Who::half);
  for (TransactionId i = 1; i <= 3; ++i) bed.deliver(link, ping(Who::half, cast.id(Who::node), 0, i));
  REQUIRE(bed.sent.size() == 1);
  CHECK(bed.sent[0].header.transaction_id == 1);
  bed.advance(500ms);
  REQUIRE(bed.sent.size() == 2);
  CHECK(bed.sent[1].header.transaction_id == 1);
  CHECK(bed.count(Counter::frames_resent) == 1);
  bed.sent.clear();
  bed.acknowledge(link);
  CHECK(bed.sent.empty());
  bed.advance(10ms);
  REQUIRE(bed.sent.size() == 1);
  CHECK(bed.sent[0].header.transaction_id == 2);
}

TEST_CASE(
    "6940-6.6.3.1-14, 6940-6.6.3.1-15: a peer behind a silent datagram link is no neighbour, then its link is closed") {
  NodeBed bed;
  const LinkId link = datagram_link(bed, Who::next);
  bed.befriend(Who::next);
  const auto successors = [&] { return bed.node().status(bed.now()).topology.successors; };
  take_all(bed, link);
  REQUIRE(successors() == std::vector{cast.id(Who::next)});
  bed.input(node::CallPing{bed.new_call(), {cast.id(Who::next)}});
  bed.advance(6s);
  CHECK(bed.count(Counter::links_suspect) == 1);
  CHECK(successors().empty());
  CHECK_FALSE(bed.closed.contains(link));
  bed.advance(12s);
  CHECK(bed.closed.contains(link));
}

TEST_CASE("6940-6.7-1, 6940-6.7-7: what is too long for the next link's datagrams is cut on the way") {
  NodeBed bed;
  const LinkId stream = bed.befriend(Who::next);
  const LinkId datagrams = datagram_link(bed, Who::half);
  bed.befriend(Who::half);
  take_all(bed, datagrams);
  std::size_t size = 0;
  SUBCASE("a whole message") {
    const Letter long_ping = ping(Who::next, cast.id(Who::half), 2500, 77);
    size = long_ping.body().size();
    bed.deliver(stream, long_ping);
  }
  SUBCASE("a fragment") {
    const auto pieces = pieces_of(ping(Who::next, cast.id(Who::half), 5000, 77), 3000);
    REQUIRE(pieces.size() == 2);
    for (const auto& piece : pieces) bed.deliver(stream, bytes_of(piece));
    size = pieces[0].body.size() + pieces[1].body.size();
  }
  const auto parts = take_all(bed, datagrams);
  CHECK(parts.size() >= 3);
  std::size_t sum = 0;
  for (const auto& part : parts) {
    CHECK(part.header.transaction_id == 77);
    CHECK(wire::kDataFrameHeaderSize + part.header.length <= kMtu);
    CHECK(part.rest.size() >= 256);
    CHECK(part.header.destination_list == wire::DestinationList{cast.id(Who::half)});
    CHECK(part.header.via_list == wire::DestinationList{cast.id(Who::next)});
    CHECK(part.header.is_last_fragment() == (part.header.fragment_offset() + part.rest.size() == size));
    sum += part.rest.size();
  }
  CHECK(sum == size);
}

TEST_CASE("6940-6.7-7: so is the node's own message that is too long") {
  NodeBed bed;
  constexpr std::size_t kSmallMtu = 420;
  const LinkId link = datagram_link(bed, Who::half, kSmallMtu);
  take_all(bed, link);
  bed.input(node::CallProbe{bed.new_call(), {cast.id(Who::half)}});
  const auto parts = take_all(bed, link);
  CHECK(parts.size() >= 2);
  for (const auto& part : parts) {
    CHECK_FALSE(part.header.is_whole());
    CHECK(wire::kDataFrameHeaderSize + part.header.length <= kSmallMtu);
  }
}

TEST_CASE("6940-6.7-9, 6940-6.7-1: fragments are put together at their destination only, and answered once") {
  NodeBed bed;
  const LinkId from = bed.befriend(Who::next);
  const LinkId half = bed.befriend(Who::half);
  bed.sent.clear();
  const auto pieces_for = [&](Who to) { return pieces_of(ping(Who::next, cast.id(to), 2500, 78), kMtu); };
  SUBCASE("here") {
    auto pieces = pieces_for(Who::node);
    REQUIRE(pieces.size() >= 3);
    std::swap(pieces.front(), pieces.back());
    for (const auto& piece : pieces) {
      CHECK(bed.sent.empty());
      bed.deliver(from, bytes_of(piece));
    }
    const auto answer = bed.take(MessageCode::ping_ans);
    REQUIRE(answer);
    CHECK(answer->header.transaction_id == 78);
    for (const auto& piece : pieces) bed.deliver(from, bytes_of(piece));  // all again, as after a lost acknowledgement
    CHECK(bed.count(Counter::requests_repeated) == 1);
  }
  SUBCASE("not on the way") {
    const auto pieces = pieces_for(Who::half);
    for (const auto& piece : pieces) bed.deliver(from, bytes_of(piece));
    REQUIRE(bed.sent.size() == pieces.size());
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      CHECK(bed.sent[i].link == half);
      CHECK(equal(bed.sent[i].rest, pieces[i].body.view()));
    }
    CHECK(bed.count(Counter::fragments_received) == 0);
  }
}

TEST_CASE("6940-6.7-11: a node holds a bounded number of incomplete messages, and of those no longer than 15 s") {
  NodeBed bed;
  const LinkId from = bed.befriend(Who::next);
  const auto first_of = [&](TransactionId transaction) {
    return bytes_of(pieces_of(ping(Who::next, cast.id(Who::node), 2500, transaction), kMtu).front());
  };
  constexpr std::size_t kOfOneLink = limits::kMaxFragmentSets / 2;
  for (TransactionId i = 0; i < kOfOneLink + 5; ++i) bed.deliver(from, first_of(1000 + i));
  CHECK(bed.count(Counter::fragments_dropped) == 5);
  bed.advance(15s);
  bed.deliver(from, first_of(1));
  CHECK(bed.count(Counter::fragments_dropped) == 5 + kOfOneLink);
}
