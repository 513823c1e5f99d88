#include "reload/forwarding/fragments.hpp"

#include <doctest/doctest.h>

#include "tests/unit/forwarding/fake_route.hpp"

using namespace reload;
using namespace reload::forwarding;
using namespace reload::test;
using wire::DestinationList;

namespace {

constexpr std::uint32_t kLast = wire::ForwardingHeader::kFragmentLast;

Bytes counting(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 7 + i / 256);
  return bytes;
}

struct Assembly {
  Counters counters;
  Reassembly reassembly{20000, counters};
  Bytes body = counting(1000);
  wire::ForwardingHeader header = header_to({node(10)}, {node(40)});
  NodeId link = node(20);  // that fragments come over

  std::optional<Deliver> add(std::size_t from, std::size_t to, bool last, Duration when = 0s) {
    wire::ForwardingHeader part = header;
    part.fragment = 0x80000000 | static_cast<std::uint32_t>(from) | (last ? kLast : 0);
    const Bytes piece(body.begin() + static_cast<std::ptrdiff_t>(from), body.begin() + static_cast<std::ptrdiff_t>(to));
    Bytes bytes = wire::encode_header(part, piece.size());
    append(bytes, piece);
    wire::HeaderDecode decoded = wire::decode_header(bytes);
    return reassembly.add({decoded.header, SharedBytes(bytes).slice(decoded.header_size), wire::Destination(link)},
                          at(when));
  }
};

}  // namespace

TEST_CASE("fragments make the message again, in any order") {
  Assembly a;
  CHECK_FALSE(a.add(600, 1000, true));
  CHECK_FALSE(a.add(0, 300, false));
  const auto whole = a.add(300, 600, false);
  REQUIRE(whole);
  CHECK(equal(whole->body.view(), a.body));
  CHECK(whole->header.is_whole());
  CHECK(whole->header.length == 38 + 18 + 18 + 1000);
  CHECK(whole->header.via_list == DestinationList{node(40)});
  CHECK(whole->previous_hop == wire::Destination(node(20)));
  CHECK(a.reassembly.sets() == 0);
  CHECK(a.reassembly.bytes() == 0);
  CHECK(a.counters.get(Counter::fragments_received) == 3);
}

TEST_CASE("retransmissions cut at other places are merged") {
  Assembly a;
  CHECK_FALSE(a.add(300, 700, false));
  CHECK_FALSE(a.add(0, 200, false));
  CHECK_FALSE(a.add(600, 900, false));
  CHECK_FALSE(a.add(100, 350, false));
  CHECK_FALSE(a.add(100, 350, false));
  const auto whole = a.add(200, 1000, true);
  REQUIRE(whole);
  CHECK(equal(whole->body.view(), a.body));
}

TEST_CASE("6940-6.7-10: an incomplete set lives 15 s") {
  Assembly a;
  CHECK_FALSE(a.add(0, 500, false));
  CHECK_FALSE(a.add(500, 1000, true, 15s));
  CHECK(a.reassembly.sets() == 1);
  CHECK(a.counters.get(Counter::fragments_dropped) == 1);
  CHECK(a.add(0, 500, false, 16s));
}

TEST_CASE("6940-6.7-11: without room for more fragments the message is dropped") {
  Assembly a;
  a.body = counting(19000);
  for (std::uint64_t i = 0; i < 2 * limits::kMaxFragmentSets; ++i) {
    a.header.transaction_id = i;
    CHECK_FALSE(a.add(0, 256, false));
  }
  CHECK(a.reassembly.sets() == limits::kMaxFragmentSets / 2);  // one link's share
  CHECK(a.counters.get(Counter::fragments_dropped) == limits::kMaxFragmentSets * 3 / 2);

  Assembly bytes;
  bytes.body = counting(19000);
  for (std::uint64_t i = 0; i < limits::kMaxFragmentSets; ++i) {
    bytes.header.transaction_id = i;
    for (std::size_t at = 0; at < 18000; at += 80) (void)bytes.add(at, at + 50, false);
    REQUIRE(bytes.reassembly.bytes() <= limits::kMaxFragmentBytes);
  }
  CHECK(bytes.counters.get(Counter::fragments_dropped) > 0);
}

TEST_CASE("a link that floods fragments leaves room for the messages of another") {
  for (const std::size_t piece : {std::size_t{256}, std::size_t{18000}}) {
    Assembly a;
    a.body = counting(19000);
    for (std::uint64_t i = 0; i < 2000; ++i) {
      a.header.transaction_id = i;
      CHECK_FALSE(a.add(0, piece, false));
    }
    a.link = node(21);
    for (std::uint64_t i = 0; i < 50; ++i) {
      a.header.transaction_id = 5000 + i;
      CHECK_FALSE(a.add(0, 500, false));
    }
    for (std::uint64_t i = 0; i < 50; ++i) {
      a.header.transaction_id = 5000 + i;
      CHECK(a.add(500, 19000, true));
    }
  }
}

TEST_CASE("fragments that cannot be of one message, or make it too large, are dropped") {
  Assembly a;
  a.body = counting(30000);
  CHECK_FALSE(a.add(500, 1000, true));
  CHECK_FALSE(a.add(900, 1100, false));  // beyond the end
  CHECK_FALSE(a.add(400, 900, true));    // another end
  CHECK_FALSE(a.add(0, 0, false));       // nothing
  CHECK(a.counters.get(Counter::fragments_dropped) == 3);
  CHECK(a.add(0, 500, false));
  CHECK_FALSE(a.add(19990, 20500, false));  // above max-message-size
  CHECK_FALSE(a.add(600, 900, false));
  CHECK_FALSE(a.add(300, 500, true));  // ends before what came
  CHECK(a.counters.get(Counter::fragments_dropped) == 5);
  CHECK(a.reassembly.sets() == 1);
}

TEST_CASE("T49: request and response of one transaction, and those of different nodes, are not mixed") {
  Assembly a;
  CHECK_FALSE(a.add(0, 500, false));
  a.header.via_list = {node(41)};
  CHECK_FALSE(a.add(500, 1000, true));
  CHECK(a.reassembly.sets() == 2);
}

TEST_CASE("6940-6.7-7 6940-6.7-8 6940-6.7-3 6940-6.7-4: a message is cut into equal pieces with the whole header") {
  wire::ForwardingHeader header = header_to({node(10), resource(3)}, {node(40), node(41)});
  header.options.push_back({5, 0, {1, 2, 3}});
  for (std::size_t mtu : {420u, 500u, 700u, 1200u, 1400u}) {
    for (std::size_t size = 1000; size < 9000; size += 331) {
      const SharedBytes body(counting(size));
      const std::vector<Piece> pieces = cut(header, body, mtu);
      if (pieces.size() == 1) continue;
      Counters counters;
      Reassembly reassembly(20000, counters);
      std::optional<Deliver> whole;
      for (const Piece& piece : pieces) {
        CHECK(piece.head.size() + piece.body.size() + 8 + 32 <= mtu);
        CHECK(piece.body.size() >= 256);
        CHECK(piece.body.size() + 1 >= pieces[0].body.size());
        CHECK(piece.body.view().data() >= body.view().data());  // not copied
        const wire::ForwardingHeader sent = header_in(piece.head, piece.body.size());
        CHECK(sent.via_list == header.via_list);
        CHECK(sent.destination_list == header.destination_list);
        CHECK(sent.options == header.options);
        CHECK(sent.transaction_id == header.transaction_id);
        REQUIRE_FALSE(whole);
        whole = reassembly.add({sent, piece.body, wire::Destination(node(20))}, at(0s));
      }
      REQUIRE(whole);
      CHECK(equal(whole->body.view(), body.view()));
    }
  }
  CHECK(cut(header, SharedBytes(counting(9000)), 1400).size() == 8);
}

TEST_CASE("T48: what fits, or would give pieces below 256 bytes, is not cut") {
  const wire::ForwardingHeader header = header_to({node(10)});
  CHECK(cut(header, SharedBytes(counting(1000)), 8 + 56 + 1000).size() == 1);
  CHECK(cut(header, SharedBytes(counting(1000)), 8 + 56 + 999).size() == 2);
  CHECK(cut(header, SharedBytes(counting(1000)), 8 + 32 + 56 + 255).size() == 1);
  CHECK(cut(header, SharedBytes(counting(400)), 8 + 56 + 399).size() == 1);
  CHECK(cut(header, SharedBytes(counting(400)), 0).size() == 1);
  CHECK(cut(header, SharedBytes(), 0).size() == 1);
}

TEST_CASE("a fragment is cut further: offsets add up, and only the last piece of the last one is last") {
  wire::ForwardingHeader header = header_to({node(10)});
  for (bool last : {false, true}) {
    header.fragment = 0x80000000 | 5000 | (last ? kLast : 0);
    const auto pieces = cut(header, SharedBytes(counting(1000)), 700);
    REQUIRE(pieces.size() == 2);
    CHECK(header_in(pieces[0].head, 500).fragment == (0x80000000 | 5000));
    CHECK(header_in(pieces[1].head, 500).fragment == (0x80000000 | 5500 | (last ? kLast : 0)));
  }
}
