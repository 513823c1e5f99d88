// 6940 6.6.3.1: stop and wait on a datagram link.
#include "reload/link/datagram_session.hpp"

#include <doctest/doctest.h>

#include <map>
#include <set>

#include "reload/base/limits.hpp"
#include "reload/base/prng.hpp"
#include "reload/wire/codec.hpp"

using namespace reload;
using namespace reload::link;

namespace {

constexpr std::size_t kLimit = 1000;

Now at(Duration since_start) { return {Mono(since_start), Wall(since_start)}; }

struct Transmission {
  Duration when;
  std::uint32_t sequence;
  Bytes message;
};

// One end of a link, whose datagrams are noted with their time.
struct Bed {
  explicit Bed(const DatagramPath& path = {}) : session(path, kLimit, counters) {}

  void send(std::uint8_t message, Rank rank = {}) {
    session.send(Bytes{message}, SharedBytes(Bytes{message, message}), rank, at(now));
    note();
  }
  Received acknowledge(std::uint32_t sequence) {
    return session.feed(SharedBytes(wire::encode(wire::AckFrame{sequence, 0})), at(now));
  }
  // Time goes on to `end`, with a call at each deadline.
  void run(Duration end) {
    while (session.next_deadline() && *session.next_deadline() <= Mono(end)) {
      now = session.next_deadline()->time_since_epoch();
      session.on_time(at(now));
      note();
    }
    now = end;
  }
  void note() {
    const auto outgoing = session.take_outgoing();
    if (!outgoing) return;
    Bytes bytes = outgoing->head;
    append(bytes, outgoing->body.view());
    auto frame = wire::decode<wire::DataFrame>(bytes);
    REQUIRE(frame);
    sent.push_back({now, frame->sequence, std::move(frame->message)});
  }
  [[nodiscard]] std::vector<Duration> times() const {
    std::vector<Duration> all;
    for (const Transmission& one : sent) all.push_back(one.when);
    return all;
  }
  // A round trip of this length is measured, and the pause after it passes.
  void measure(Duration round_trip) {
    send(1);
    const std::uint32_t sequence = sent.back().sequence;
    now += round_trip;
    acknowledge(sequence);
    run(now + 10ms);
  }

  Counters counters;
  DatagramSession session;
  Duration now{};
  std::vector<Transmission> sent;
};

}  // namespace

TEST_CASE("6940-6.6.3.1-2, 6940-6.6.3.1-1: there is one message without acknowledgement at a time, the others wait") {
  Bed bed;
  bed.send(1);
  bed.send(2);
  bed.send(3);
  REQUIRE(bed.sent.size() == 1);
  CHECK(bed.sent[0].message == Bytes{1, 1, 1});
  bed.run(400ms);
  CHECK(bed.sent.size() == 1);
  bed.acknowledge(0);
  bed.run(420ms);
  REQUIRE(bed.sent.size() == 2);
  CHECK(bed.sent[1].message == Bytes{2, 2, 2});
  bed.acknowledge(0);  // the same again is none of the second
  bed.run(500ms);
  CHECK(bed.sent.size() == 2);
  bed.acknowledge(1);
  bed.run(600ms);
  CHECK(bed.sent.size() == 3);
  CHECK(bed.session.waiting() == 1);
}

TEST_CASE("6940-6.6.3.1-17: 10 ms pass between an acknowledgement and the next message") {
  Bed bed;
  bed.send(1);
  bed.now = 100ms;
  SUBCASE("that waits already") {
    bed.send(2);
    bed.acknowledge(0);
  }
  SUBCASE("that comes in this time") {
    bed.acknowledge(0);
    bed.now = 103ms;
    bed.send(2);
  }
  CHECK(bed.sent.size() == 1);
  CHECK(bed.session.next_deadline() == Mono(110ms));
  bed.run(200ms);
  CHECK(bed.times() == std::vector<Duration>{0ms, 110ms});
  bed.acknowledge(1);
  bed.run(300ms);
  bed.send(3);  // a later one goes at once
  CHECK(bed.sent.back().when == 300ms);
}

TEST_CASE("6940-6.6.3.1-10, 6940-6.6.3.1-11, 6940-6.6.3.1-13: sent again at 500, 1500, 3500, 7500 ms, then no more") {
  Bed bed;
  bed.send(1);
  bed.run(60s);
  CHECK(bed.times() == std::vector<Duration>{0ms, 500ms, 1500ms, 3500ms, 7500ms});
  for (const Transmission& one : bed.sent) CHECK(one.message == Bytes{1, 1, 1});
  CHECK(bed.counters.get(Counter::frames_sent) == 1);
  CHECK(bed.counters.get(Counter::frames_resent) == 4);
}

TEST_CASE("6940-6.6.3.1-12: each retransmission has the next sequence number, and the next message the one after") {
  Bed bed;
  bed.send(1);
  bed.run(4s);
  bed.acknowledge(3);
  bed.send(2);
  bed.run(5s);
  REQUIRE(bed.sent.size() == 5);
  for (std::uint32_t i = 0; i < 5; ++i) CHECK(bed.sent[i].sequence == i);
  CHECK(bed.sent[4].message == Bytes{2, 2, 2});
}

TEST_CASE(
    "the acknowledgement of any transmission ends the sending of a message, that of an earlier message does not") {
  for (std::uint32_t sequence = 0; sequence < 3; ++sequence) {
    Bed bed;
    bed.send(1);
    bed.run(1600ms);
    bed.acknowledge(sequence);
    CHECK(bed.session.waiting() == 0);
    CHECK_FALSE(bed.session.next_deadline());
  }
  Bed bed;
  bed.send(1);
  bed.send(2);
  bed.run(600ms);
  bed.acknowledge(1);
  bed.run(650ms);
  REQUIRE(bed.sent.size() == 3);
  bed.acknowledge(0);  // of the first message's first transmission
  CHECK(bed.session.waiting() == 1);
  bed.acknowledge(7);  // of nothing
  CHECK(bed.session.waiting() == 1);
  bed.acknowledge(2);
  CHECK(bed.session.waiting() == 0);
}

TEST_CASE("6940-6.6.3.1-14: when all transmissions of a message failed the link is to be closed") {
  Bed bed;
  bed.send(1);
  bed.send(2);
  bed.run(15499ms);
  CHECK(bed.session.health() == Health::suspect);
  bed.run(15500ms);
  CHECK(bed.session.health() == Health::dead);
  CHECK(bed.session.waiting() == 0);
  CHECK_FALSE(bed.session.next_deadline());
  bed.send(3);
  CHECK(bed.sent.size() == 5);
}

TEST_CASE("6940-6.6.3.1-15: without any acknowledgement up to the third retransmission the link is suspect") {
  Bed bed;
  bed.send(1);
  bed.run(3499ms);
  CHECK(bed.session.health() == Health::good);
  bed.run(3500ms);
  CHECK(bed.session.health() == Health::suspect);
}

TEST_CASE("6940-6.6.3.1-15: an acknowledgement in that time, though of an earlier message, shows that the link works") {
  Bed bed;
  bed.send(1);
  bed.send(2);
  bed.run(600ms);
  bed.acknowledge(1);
  bed.run(2s);  // the second message is on its way, and was sent again once
  bed.acknowledge(0);
  bed.run(60s);
  CHECK(bed.sent.size() == 7);
  CHECK(bed.session.health() == Health::dead);
  Bed other;
  other.send(1);
  other.send(2);
  other.run(600ms);
  other.acknowledge(1);
  other.run(2500ms);
  REQUIRE(other.sent.size() >= 4);
  other.acknowledge(0);
  while (other.sent.size() < 6) {
    REQUIRE(other.session.next_deadline());
    other.run(*other.session.next_deadline() - Mono());
  }
  CHECK(other.session.health() == Health::good);
}

TEST_CASE("6940-6.6.3.1-16: a suspect link is good again with any acknowledgement before it is closed") {
  Bed bed;
  bed.send(1);
  bed.run(4s);
  REQUIRE(bed.session.health() == Health::suspect);
  CHECK_FALSE(bed.acknowledge(9).restored);
  CHECK(bed.acknowledge(2).restored);
  CHECK(bed.session.health() == Health::good);
  CHECK_FALSE(bed.acknowledge(1).restored);
}

TEST_CASE("6940-6.6.3.1-7: the timeout follows RFC 6298 with each acknowledgement as a sample") {
  Bed bed;
  CHECK(bed.session.rto() == 500ms);
  bed.measure(400ms);
  CHECK(bed.session.smoothed_rtt() == Duration(400ms));
  CHECK(bed.session.rto() == 1200ms);  // SRTT 400, RTTVAR 200
  bed.measure(800ms);
  CHECK(bed.session.smoothed_rtt() == Duration(450ms));
  CHECK(bed.session.rto() == 1450ms);  // RTTVAR 3/4 * 200 + 1/4 * 400 = 250
  // Of a retransmission too, from when it was sent.
  bed.send(1);
  bed.run(bed.now + 1450ms);
  bed.now += 450ms;
  bed.acknowledge(bed.sent.back().sequence);
  CHECK(bed.session.smoothed_rtt() == Duration(450ms));
  CHECK(bed.session.rto() == 1200ms);  // RTTVAR 3/4 * 250 = 187.5
}

TEST_CASE("6940-6.6.3.1-8: it is rounded up to a millisecond, not to a second, and a pause of the process is no loss") {
  Bed bed;
  bed.measure(Duration(100'100us));
  CHECK(bed.session.rto() == 301ms);  // 3 * 100.1 = 300.3
  for (int i = 0; i < 60; ++i) bed.measure(Duration(5ms));
  CHECK(bed.session.rto() == 200ms);
  Bed slow;
  slow.measure(10min);
  CHECK(slow.session.rto() == 60s);
}

TEST_CASE(
    "6940-6.6.3.1-4, 6940-6.6.3.1-5, 6940-6.6.3.1-6, 6940-6.6.3.1-3: the first timeout is what is known of the way") {
  const auto times = [](const DatagramPath& path) {
    Bed bed(path);
    bed.send(1);
    bed.run(12s);
    return bed.times();
  };
  using Times = std::vector<Duration>;
  // All on one local network: down to what was set, also once round trips were measured.
  CHECK(times({.first_rto = 20ms}) == Times{0ms, 20ms, 60ms, 140ms, 300ms});
  Bed local({.first_rto = 20ms});
  for (int i = 0; i < 60; ++i) local.measure(Duration(300us));
  CHECK(local.session.rto() == 20ms);
  // A link by satellite.
  CHECK(times({.first_rto = 2s}) == Times{0s, 2s, 6s});
}

TEST_CASE("6940-6.6.3.1-9: the round trip of the STUN check is the first sample") {
  Bed bed({.round_trip = 300ms});
  CHECK(bed.session.smoothed_rtt() == Duration(300ms));
  CHECK(bed.session.rto() == 900ms);
  bed.measure(300ms);
  CHECK(bed.session.rto() == 750ms);  // RTTVAR 3/4 * 150
}

TEST_CASE(
    "6940-6.6.3-2: not more than one datagram in a round trip, and less and less while they are lost (RFC 5405)") {
  Prng rng(3);
  Bed bed({.first_rto = 500ms});
  const Duration round_trip = 80ms;
  int left = 100;
  std::size_t seen = 0;
  while ((left > 0 || bed.session.waiting() != 0) && bed.session.health() != Health::dead) {
    for (; left > 0 && bed.session.waiting() < 3; --left) bed.send(7);
    if (seen < bed.sent.size()) {
      const Transmission last = bed.sent[seen++];
      if (seen >= 2) CHECK(last.when - bed.sent[seen - 2].when >= round_trip);
      if (rng.below(5) != 0) {
        bed.run(last.when + round_trip);
        bed.acknowledge(last.sequence);
      }
      continue;
    }
    REQUIRE(bed.session.next_deadline());
    bed.run(*bed.session.next_deadline() - Mono());
  }
  CHECK(bed.session.waiting() == 0);
  CHECK(bed.sent.size() > 100);
  CHECK(bed.sent.size() < 150);
}

TEST_CASE("6940-6.6.3-1, 6940-6.6.2-8: two ends over a way that loses a fifth and mixes up the rest lose no message") {
  Prng rng(6);
  Counters counters;
  DatagramSession ends[2] = {{{}, kLimit, counters}, {{}, kLimit, counters}};
  std::multimap<Duration, std::pair<int, Bytes>> on_the_way;
  std::set<Bytes> received[2];
  Duration now{};
  const auto put = [&](int to, Bytes bytes) {
    if (rng.below(5) == 0) return;
    on_the_way.emplace(now + 1ms * static_cast<int>(rng.below(100)), std::pair(to, std::move(bytes)));
  };
  const auto flush = [&](int end) {
    if (auto outgoing = ends[end].take_outgoing()) {
      Bytes bytes = outgoing->head;
      append(bytes, outgoing->body.view());
      put(1 - end, std::move(bytes));
    }
  };
  constexpr std::uint8_t kMessages = 20;
  std::uint8_t made[2] = {0, 0};
  while (made[0] + made[1] < 2 * kMessages || ends[0].waiting() + ends[1].waiting() != 0) {
    REQUIRE(now < 1h);
    for (int end = 0; end < 2; ++end) {
      while (made[end] < kMessages && ends[end].waiting() == 0) {
        ends[end].send(Bytes{made[end]++, static_cast<std::uint8_t>(end)}, {}, {}, at(now));
        flush(end);
      }
    }
    std::optional<Duration> next;
    if (!on_the_way.empty()) next = on_the_way.begin()->first;
    for (const DatagramSession& end : ends) {
      if (end.next_deadline() && (!next || Mono(*next) > *end.next_deadline()))
        next = end.next_deadline()->time_since_epoch();
    }
    REQUIRE(next);
    now = std::max(now, *next);
    if (!on_the_way.empty() && on_the_way.begin()->first <= now) {
      const auto [to, bytes] = on_the_way.begin()->second;
      on_the_way.erase(on_the_way.begin());
      Received got = ends[to].feed(SharedBytes(bytes), at(now));
      CHECK(got.acks.size() == got.messages.size() * wire::kAckFrameSize);
      for (const SharedBytes& message : got.messages) received[to].insert(to_bytes(message.view()));
      if (!got.acks.empty()) put(1 - to, std::move(got.acks));
    }
    for (int end = 0; end < 2; ++end) {
      REQUIRE(ends[end].on_time(at(now)) != Health::dead);
      flush(end);
    }
  }
  CHECK(received[0].size() == kMessages);
  CHECK(received[1].size() == kMessages);
}

TEST_CASE("a datagram that is no frame is counted and changes nothing") {
  Bed bed;
  for (const Bytes& bad : {Bytes{0x55}, Bytes{0x80}, Bytes{0x81, 0, 0, 0, 0}, Bytes{0x80, 0, 0, 0, 0, 0, 0, 2, 1},
                           Bytes{0x80, 0, 0, 0, 0, 0, 0, 2, 1, 2, 3}}) {
    const Received got = bed.session.feed(SharedBytes(Bytes(bad)), at(0s));
    CHECK(got.fault == FrameFault::none);
    CHECK(got.messages.empty());
    CHECK(got.acks.empty());
  }
  CHECK(bed.counters.get(Counter::frames_malformed) == 5);
  CHECK(bed.session.feed(SharedBytes(), at(0s)).messages.empty());
  CHECK(bed.session.feed(SharedBytes(wire::encode(wire::DataFrame{0, {1}})), at(0s)).messages.size() == 1);
}

TEST_CASE("a message above the limit breaks the link, with its header to answer it if there is one") {
  wire::ForwardingHeader header;
  header.destination_list.push_back(NodeId(Bytes(16, 1)));
  Bytes message = wire::encode_header(header, 2000);
  const std::size_t head = message.size() + 2;
  message.resize(message.size() + 2000);
  Bed bed;
  Received got = bed.session.feed(SharedBytes(wire::encode(wire::DataFrame{0, message})), at(0s));
  CHECK(got.fault == FrameFault::oversized);
  CHECK(equal(got.oversized_head.view(), ByteView(message).first(head)));
  CHECK(got.acks.empty());
  Bed other;
  got = other.session.feed(SharedBytes(wire::encode(wire::DataFrame{0, Bytes(2000)})), at(0s));
  CHECK(got.fault == FrameFault::oversized);
  CHECK(got.oversized_head.empty());
  CHECK(other.counters.get(Counter::frames_oversized) == 1);
}

TEST_CASE("what waits is bounded in number and bytes") {
  Bed bed;
  for (std::size_t i = 0; i < limits::kMaxDatagramsQueued + 10; ++i) bed.send(1);
  CHECK(bed.session.waiting() == limits::kMaxDatagramsQueued + 1);  // with the one under way
  CHECK(bed.counters.get(Counter::messages_dropped_queue) == 9);
  Bed large;
  for (int i = 0; i < 20; ++i) large.session.send({}, SharedBytes(Bytes(100'000)), {}, at(0s));
  CHECK(large.session.waiting() == 11);
  CHECK(large.counters.get(Counter::messages_dropped_queue) == 9);
  large.acknowledge(0);
  large.session.send({}, SharedBytes(Bytes(100'000)), {}, at(1s));
  CHECK(large.session.waiting() == 10);
}

TEST_CASE("what waited so long that its sender sends it again is left out, except the last") {
  Bed bed;
  for (const std::uint8_t message : Bytes{1, 2, 3}) bed.send(message);
  bed.now = 2s;
  bed.send(4);
  bed.now = 3s;
  bed.acknowledge(0);
  bed.run(3010ms);
  CHECK(bed.sent.back().message == Bytes{4, 4, 4});
  CHECK(bed.counters.get(Counter::messages_dropped_queue) == 2);
  CHECK(bed.session.waiting() == 1);
}

TEST_CASE("the upkeep of the ring goes before what else waits, in its own order") {
  Bed bed;
  for (const std::uint8_t message : Bytes{1, 2, 3}) bed.send(message);
  bed.send(4, {.upkeep = true});
  bed.send(5, {.upkeep = true});
  Bytes order;
  for (std::uint32_t sequence = 0; sequence < 5; ++sequence) {
    REQUIRE(bed.sent.size() == sequence + 1);
    order.push_back(bed.sent.back().message.front());
    bed.now += 100ms;
    bed.acknowledge(sequence);
    bed.run(bed.now + 10ms);
  }
  CHECK(order == Bytes{1, 4, 5, 2, 3});
}

TEST_CASE(
    "a message that was begun is sent whole before the upkeep, and the newest goes first where order takes long") {
  Bed bed;
  bed.send(1);
  bed.send(2);
  bed.send(2, {.further = true});
  bed.send(3);
  bed.send(3, {.further = true});
  Bytes order;
  const auto next = [&](Duration round_trip) {
    order.push_back(bed.sent.back().message.front());
    bed.now += round_trip;
    bed.acknowledge(bed.sent.back().sequence);
    bed.run(bed.now + 10ms);
  };
  next(490ms);  // the message 2 is not late yet
  bed.send(4, {.upkeep = true});
  next(100ms);
  next(100ms);
  bed.send(5);
  bed.send(5, {.further = true});
  for (int i = 0; i < 5; ++i) next(100ms);
  CHECK(order == Bytes{1, 2, 2, 4, 5, 5, 3, 3});
  CHECK(bed.session.waiting() == 0);
}

TEST_CASE("a link that is asked for twice what it carries sends what is of use, and is in order again once it is not") {
  constexpr Duration kRoundTrip = 290ms;  // 300 ms with the pause
  Bed bed;
  std::map<std::uint8_t, Duration> made;
  std::uint8_t number = 0;
  std::size_t seen = 0;
  std::size_t in_time = 0;
  std::size_t late = 0;
  const auto carry = [&](Duration end) {
    while (seen < bed.sent.size() && bed.sent[seen].when + kRoundTrip <= end) {
      const Transmission one = bed.sent[seen++];
      bed.run(one.when + kRoundTrip);
      bed.acknowledge(one.sequence);
      bed.run(bed.now + 10ms);
      ++(one.when - made[one.message.front()] <= 1s ? in_time : late);
    }
    bed.run(std::max(bed.now, end));
  };
  const auto ask = [&](int messages, Duration every) {
    for (int i = 0; i < messages; ++i) {
      made[++number] = bed.now;
      bed.send(number);
      carry(bed.now + every);
    }
  };
  ask(80, 150ms);
  CHECK(in_time > 30);  // of the 40 that it carries
  CHECK(late < 5);
  carry(bed.now + 10s);
  late = 0;
  ask(20, 400ms);
  CHECK(late == 0);
}
