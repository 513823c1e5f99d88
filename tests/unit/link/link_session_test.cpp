#include "reload/link/link_session.hpp"

#include <doctest/doctest.h>

#include "reload/base/limits.hpp"
#include "reload/wire/codec.hpp"

using namespace reload;
using namespace reload::link;

namespace {

constexpr std::size_t kLimit = 1000;

Now at(Duration since_start) { return {Mono(since_start), Wall(since_start)}; }

Bytes data_frame(std::uint32_t sequence, Bytes message) {
  return wire::encode(wire::DataFrame{sequence, std::move(message)});
}
Bytes ack_frame(std::uint32_t sequence) { return wire::encode(wire::AckFrame{sequence, 0}); }
Bytes operator+(Bytes a, const Bytes& b) {
  append(a, b);
  return a;
}

struct Bed {
  Counters counters;
  LinkSession session{kLimit, counters};
  Received feed(Bytes bytes, Duration when = 0s) { return session.feed(SharedBytes(std::move(bytes)), at(when)); }
  void send(Duration when) { (void)session.frame(Bytes{1, 2, 3}, 0, at(when)); }
};

// A whole message of `size` bytes with a real forwarding header.
Bytes message_of(std::size_t size, std::size_t destinations = 1) {
  wire::ForwardingHeader header;
  for (std::size_t i = 0; i < destinations; ++i) {
    header.destination_list.push_back(NodeId(Bytes(16, static_cast<std::uint8_t>(i + 1))));
  }
  const std::size_t head = wire::encode_header(header, 0).size();
  Bytes message = wire::encode_header(header, size - head);
  message.push_back(0x00);
  message.push_back(0x17);
  message.resize(size);
  return message;
}

}  // namespace

TEST_CASE("6940-6.6.2-4: frames are numbered from 0, one up each") {
  Bed bed;
  const Bytes first = bed.session.frame(Bytes{7, 8}, 3, at(0s));
  CHECK(first == Bytes{0x80, 0, 0, 0, 0, 0, 0, 5, 7, 8});
  CHECK(bed.session.frame(Bytes{}, 0x010203, at(0s)) == Bytes{0x80, 0, 0, 0, 1, 1, 2, 3});
  CHECK(bed.counters.get(Counter::frames_sent) == 2);
}

TEST_CASE("6940-6.6.2-5: each data frame is acknowledged in the step that receives it") {
  Bed bed;
  const Received got = bed.feed(data_frame(0, {1}) + data_frame(1, {2, 2}));
  REQUIRE(got.messages.size() == 2);
  CHECK(equal(got.messages[1].view(), Bytes{2, 2}));
  CHECK(got.acks == Bytes{0x81, 0, 0, 0, 0, 0, 0, 0, 0} + Bytes{0x81, 0, 0, 0, 1, 0, 0, 0, 2});
  CHECK(bed.feed({}).acks.empty());
}

TEST_CASE("6940-6.6.2-6 6940-6.6.2-7: an acknowledgement tells of the 32 frames before it") {
  Bed bed;
  const auto mask = [&](std::uint32_t sequence) {
    return wire::decode<wire::AckFrame>(bed.feed(data_frame(sequence, {1})).acks)->received;
  };
  SUBCASE("all of them in a long row") {
    for (std::uint32_t i = 0; i < 40; ++i) (void)mask(i);
    CHECK(mask(40) == 0xfffffffe);
  }
  SUBCASE("T44: bit N-M for frame M, none for gaps") {
    CHECK(mask(10) == 0);
    CHECK(mask(13) == 1u << 3);
    CHECK(mask(12) == 1u << 2);  // 13 is not before 12
    CHECK(mask(41) == (1u << 29 | 1u << 28 | 1u << 31));
    CHECK(mask(45) == 1u << 4);
  }
  SUBCASE("any first number, and the numbers wrap") {
    CHECK(mask(0xffffffff) == 0);
    CHECK(mask(0) == 1u << 1);
  }
}

TEST_CASE("a message inside one chunk is not copied") {
  Bed bed;
  const SharedBytes chunk(data_frame(0, {1, 2, 3}) + data_frame(1, {4}));
  const Received got = bed.session.feed(chunk, at(0s));
  REQUIRE(got.messages.size() == 2);
  CHECK(got.messages[0].view().data() == chunk.view().data() + 8);
  CHECK(got.messages[1].view().data() == chunk.view().data() + 19);
}

TEST_CASE("the stream may be cut anywhere") {
  const Bytes stream = data_frame(0, {1, 2, 3}) + ack_frame(9) + data_frame(1, {}) + data_frame(2, Bytes(300, 5));
  for (std::size_t step = 1; step < stream.size(); ++step) {
    Bed bed;
    std::vector<Bytes> messages;
    Bytes acks;
    for (std::size_t i = 0; i < stream.size(); i += step) {
      const Received got = bed.feed(to_bytes(ByteView(stream).subspan(i, std::min(step, stream.size() - i))));
      CHECK(got.fault == FrameFault::none);
      for (const SharedBytes& message : got.messages) messages.push_back(to_bytes(message.view()));
      append(acks, got.acks);
    }
    CHECK(messages == std::vector<Bytes>{{1, 2, 3}, {}, Bytes(300, 5)});
    CHECK(acks.size() == 3 * wire::kAckFrameSize);
    CHECK(bed.counters.get(Counter::acks_received) == 1);
  }
}

TEST_CASE("an unknown frame type breaks the link, what came before it counts") {
  Bed bed;
  const Received got = bed.feed(data_frame(0, {1}) + Bytes{0x55} + data_frame(1, {2}));
  CHECK(got.messages.size() == 1);
  CHECK(got.fault == FrameFault::unknown_type);
  CHECK(bed.counters.get(Counter::frames_malformed) == 1);
  CHECK(bed.feed(data_frame(1, {2})).messages.empty());
}

TEST_CASE("6940-6.6-3: a message above the limit is found out by its length; its header is kept to answer it") {
  Bed bed;
  const Bytes message = message_of(5000);
  const Bytes frame = data_frame(0, message);
  const std::size_t head = 38 + 18 + 2;
  Received got = bed.feed(to_bytes(ByteView(frame).first(8 + head - 1)));
  CHECK(got.fault == FrameFault::none);
  got = bed.feed(to_bytes(ByteView(frame).subspan(8 + head - 1, 100)));
  CHECK(got.fault == FrameFault::oversized);
  CHECK(equal(got.oversized_head.view(), ByteView(message).first(head)));
  CHECK(got.messages.empty());
  CHECK(got.acks.empty());
  CHECK(bed.counters.get(Counter::frames_oversized) == 0);  // Forwarder's answer will be
}

TEST_CASE("6940-6.6-4: nothing to answer when the header alone is above the limit or is no header") {
  Bed bed;
  Bytes message = message_of(5000, 60);  // 38 + 60 * 18 bytes of header
  SUBCASE("large header") {}
  SUBCASE("no token") {
    message = message_of(5000);
    message[0] = 0;
  }
  const Received got = bed.feed(data_frame(0, message));
  CHECK(got.fault == FrameFault::oversized);
  CHECK(got.oversized_head.empty());
  CHECK(bed.counters.get(Counter::frames_oversized) == 1);
}

TEST_CASE("a message of exactly the limit passes, also when the limit changes in its middle") {
  Bed bed;
  CHECK(bed.feed(data_frame(0, Bytes(kLimit, 1))).messages.size() == 1);
  const Bytes frame = data_frame(1, Bytes(kLimit, 1));
  CHECK(bed.feed(to_bytes(ByteView(frame).first(900))).fault == FrameFault::none);
  bed.session.set_max_message_size(100);
  CHECK(bed.feed(to_bytes(ByteView(frame).subspan(900))).fault == FrameFault::oversized);
}

TEST_CASE("6940-6.6.5-2: the timeout is computed from acknowledgements as RFC 6298 section 2 says") {
  Bed bed;
  CHECK(bed.session.rto() == 1s);
  bed.send(0s);
  (void)bed.feed(ack_frame(0), 2s);
  CHECK(bed.session.smoothed_rtt() == Duration(2s));
  CHECK(bed.session.rto() == 6s);  // SRTT 2, RTTVAR 1: 2 + 4 * 1
  bed.send(10s);
  (void)bed.feed(ack_frame(1), 14s);
  CHECK(bed.session.smoothed_rtt() == Duration(2250ms));  // 7/8 * 2 + 1/8 * 4
  CHECK(bed.session.rto() == 7250ms);                     // RTTVAR 3/4 * 1 + 1/4 * 2 = 1.25
}

TEST_CASE("6940-6.6.5-2: the timeout is never below a second nor above a minute") {
  Bed bed;
  bed.send(0s);
  (void)bed.feed(ack_frame(0), 1ms);
  CHECK(bed.session.rto() == 1s);
  bed.send(1s);
  (void)bed.feed(ack_frame(1), 301s);
  CHECK(bed.session.rto() == 60s);
}

TEST_CASE("6940-6.6.5-3 6940-6.6-5: a frame unacknowledged for RTO makes the link suspect, any acknowledgement good") {
  Bed bed;
  CHECK_FALSE(bed.session.next_deadline());
  bed.send(5s);
  bed.send(5500ms);
  CHECK(bed.session.next_deadline() == Mono(6s));
  CHECK(bed.session.on_time(at(5999ms)) == Health::good);
  CHECK(bed.session.on_time(at(6s)) == Health::suspect);
  CHECK(bed.feed(ack_frame(0), 7s).restored);
  CHECK(bed.session.health() == Health::good);
  CHECK(bed.session.next_deadline() == Mono(7s) + bed.session.rto());  // for the second frame
  CHECK_FALSE(bed.feed(ack_frame(1), 8s).restored);
  CHECK_FALSE(bed.session.next_deadline());
}

TEST_CASE("6940-6.6.5-4: a suspect link is kept for 30 seconds before it is dead") {
  Bed bed;
  bed.send(0s);
  CHECK(bed.session.on_time(at(1s)) == Health::suspect);
  CHECK(bed.session.next_deadline() == Mono(31s));
  CHECK(bed.session.on_time(at(31s - 1us)) == Health::suspect);
  CHECK(bed.session.on_time(at(31s)) == Health::dead);
  CHECK_FALSE(bed.session.next_deadline());
}

TEST_CASE("an acknowledgement of what was never sent proves nothing") {
  Bed bed;
  bed.send(0s);
  (void)bed.session.on_time(at(1s));
  CHECK_FALSE(bed.feed(ack_frame(1), 2s).restored);
  CHECK_FALSE(bed.feed(ack_frame(0xffffffff), 2s).restored);
  CHECK(bed.session.frames_awaiting_ack() == 1);
  CHECK_FALSE(bed.session.smoothed_rtt());
}

TEST_CASE("trap 3: a peer that acknowledges only the last frame of several, or sends any mask, is understood") {
  Bed bed;
  for (int i = 0; i < 3; ++i) bed.send(0s);
  (void)bed.feed(wire::encode(wire::AckFrame{2, 0xffffffff}), 500ms);
  CHECK(bed.session.frames_awaiting_ack() == 0);
  CHECK(bed.session.smoothed_rtt() == Duration(500ms));
}

TEST_CASE("send times are kept for a bounded number of frames") {
  Bed bed;
  for (std::size_t i = 0; i < limits::kMaxFramesAwaitingAck + 10; ++i) bed.send(0s);
  CHECK(bed.session.frames_awaiting_ack() == limits::kMaxFramesAwaitingAck);
  (void)bed.feed(ack_frame(static_cast<std::uint32_t>(limits::kMaxFramesAwaitingAck + 9)), 100ms);
  CHECK(bed.session.frames_awaiting_ack() == 0);
}
