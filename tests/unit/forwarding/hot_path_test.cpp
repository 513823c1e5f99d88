// What forwarding costs and stands: memory taken for one message on its way through, and input made of noise.
#include <doctest/doctest.h>

#include <cstdlib>
#include <new>

#include "reload/forwarding/fragments.hpp"
#include "reload/link/connection_table.hpp"
#include "reload/link/link_session.hpp"
#include "tests/unit/forwarding/fake_route.hpp"

namespace {
std::size_t allocated = 0;
}

void* operator new(std::size_t size) {
  allocated += size;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

using namespace reload;
using namespace reload::forwarding;
using namespace reload::test;

namespace {

// A data frame around a message of `body_size` bytes after its header.
Bytes framed(std::size_t body_size) {
  const Bytes body = body_of(wire::MessageCode::store_req, body_size);
  Bytes message = wire::encode_header(header_to({node(30)}, {node(40), node(41)}), body.size());
  append(message, body);
  return wire::encode(wire::DataFrame{0, std::move(message)});
}

// Bytes allocated from the chunk received to the frame to send.
std::size_t cost_of_forwarding(std::size_t body_size) {
  Bed bed;
  Counters counters;
  link::ConnectionTable table(1 << 20, counters);
  ForwardingRules rules = Bed::rules(node(10));
  rules.max_message_size = 1 << 20;
  bed.forwarder.set_rules(rules);
  link::Link* from = table.add_overlay(LinkId{1}, node(20), true);
  link::Link* to = table.add_overlay(LinkId{2}, node(30), true);
  const SharedBytes chunk(framed(body_size));

  const std::size_t before = allocated;
  const link::Received received = from->session->feed(chunk, at(0s));
  REQUIRE(received.messages.size() == 1);
  const Decision decision = bed.forwarder.receive(received.messages[0], {LinkId{1}, node(20)}, bed.route, at(0s));
  REQUIRE(std::holds_alternative<Forward>(decision));
  const auto& forward = std::get<Forward>(decision);
  const auto outgoing = table.send(*to, forward.head, forward.body, {}, at(0s));
  const std::size_t cost = allocated - before;
  REQUIRE(outgoing);
  CHECK(outgoing->head.size() + outgoing->body.size() == framed(body_size).size() + 18);
  return cost;
}

}  // namespace

TEST_CASE("a hop allocates for the header only: the same for a small and for a large message") {
  const std::size_t small = cost_of_forwarding(100);
  CHECK(small == cost_of_forwarding(500000));
  CHECK(small < 4096);
}

TEST_CASE("noise in a message leads to a decision, never further") {
  Prng rng(7);
  Counters counters;
  Reassembly reassembly(5000, counters);
  Bed bed;
  bed.route.hops = {node(30)};
  wire::ForwardingHeader header = header_to({node(10), resource(3)}, {node(40), wire::OpaqueId{{0x81, 2}, true}});
  header.options.push_back({5, 4, {1, 2, 3}});
  Bytes good = wire::encode_header(header, 300);
  append(good, body_of(wire::MessageCode::store_req, 300));
  for (int i = 0; i < 30000; ++i) {
    Bytes bad = good;
    for (std::uint64_t n = rng.below(6); n > 0; --n) {
      bad[rng.below(i % 2 == 0 ? 110 : bad.size())] = static_cast<std::uint8_t>(rng.next());
    }
    if (i % 5 == 0) bad.resize(rng.below(bad.size()));
    const Arrival from{LinkId{rng.below(3)}, i % 3 == 0 ? std::nullopt : std::optional(node(20))};
    Decision decision = bed.forwarder.receive(SharedBytes(std::move(bad)), from, bed.route, at(i * 1ms));
    if (auto* deliver = std::get_if<Deliver>(&decision); deliver != nullptr && !deliver->header.is_whole()) {
      (void)reassembly.add(std::move(*deliver), at(i * 1ms));
    }
    if (const auto* refuse = std::get_if<Refuse>(&decision)) {
      (void)bed.forwarder.originate(response_header(bed.forwarder, refuse->header, refuse->previous_hop, 1),
                                    SharedBytes(kResponse), bed.route, at(i * 1ms));
    }
  }
}

TEST_CASE("noise in a stream breaks the link at worst") {
  Prng rng(8);
  Counters counters;
  for (int i = 0; i < 300; ++i) {
    link::LinkSession session(1000, counters);
    std::size_t messages = 0;
    for (int chunk = 0; chunk < 40; ++chunk) {
      Bytes bytes = framed(2 + rng.below(900));
      append(bytes, wire::encode(wire::AckFrame{static_cast<std::uint32_t>(rng.below(4)), 0}));
      if (rng.below(4) == 0) bytes[rng.below(bytes.size())] = static_cast<std::uint8_t>(rng.next());
      if (rng.below(8) == 0) bytes.resize(rng.below(bytes.size()));
      (void)session.frame({}, 0, at(chunk * 1s));
      const link::Received got = session.feed(SharedBytes(std::move(bytes)), at(chunk * 1s));
      CHECK(got.acks.size() == got.messages.size() * wire::kAckFrameSize);
      messages += got.messages.size();
      for (const SharedBytes& message : got.messages) CHECK(message.size() <= 1000);
      (void)session.on_time(at(chunk * 1s));
      if (got.fault != link::FrameFault::none) break;
    }
    CHECK(messages <= 200);
  }
}
