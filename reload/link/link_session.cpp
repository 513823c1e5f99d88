#include "reload/link/link_session.hpp"

#include <algorithm>
#include <utility>

#include "reload/base/check.hpp"
#include "reload/base/limits.hpp"
#include "reload/link/framing.hpp"
#include "reload/wire/reader.hpp"

namespace reload::link {

namespace {

constexpr Duration kSuspectTime = 30s;  // 6940 6.6.5

// Where `a` is against `b` in the order of sequence numbers, which wrap.
std::int32_t sequence_difference(std::uint32_t a, std::uint32_t b) { return static_cast<std::int32_t>(a - b); }

}  // namespace

Received LinkSession::feed(const SharedBytes& chunk, Now now) {
  Received out;
  SharedBytes rest = chunk;
  while (!broken_ && !rest.empty()) {
    if (partial_.empty()) {
      const std::size_t size = wanted(rest.view());
      if (size > rest.size()) {
        partial_ = to_bytes(rest.view());
        break;
      }
      consume(rest.slice(0, size), now, out);
      rest = rest.slice(size);
    } else {
      const std::size_t size = wanted(partial_);
      const std::size_t missing = size > partial_.size() ? std::min(size - partial_.size(), rest.size()) : 0;
      append(partial_, rest.view().first(missing));
      rest = rest.slice(missing);
      if (wanted(partial_) <= partial_.size()) consume(SharedBytes(std::exchange(partial_, {})), now, out);
    }
  }
  return out;
}

std::size_t LinkSession::wanted(ByteView bytes) const {
  if (bytes[0] == kAck) return wire::kAckFrameSize;
  if (bytes[0] != kData) return 1;
  if (bytes.size() < wire::kDataFrameHeaderSize) return wire::kDataFrameHeaderSize;
  const std::size_t length = message_length(bytes);
  if (length <= max_message_size_) return wire::kDataFrameHeaderSize + length;

  // Oversized: only its forwarding header and message code are of use, to answer it.
  const ByteView message = bytes.subspan(wire::kDataFrameHeaderSize);
  const std::size_t head = answerable_head(message, max_message_size_).value_or(wire::kForwardingHeaderSize);
  return wire::kDataFrameHeaderSize + std::min(head, length);
}

void LinkSession::consume(const SharedBytes& frame, Now now, Received& out) {
  switch (frame.view()[0]) {
    case kData:
      on_data(frame, out);
      break;
    case kAck: {
      wire::Reader reader(frame.view().subspan(1));
      on_ack(reader.u32(), now, out);
      break;
    }
    default:
      break_link(FrameFault::unknown_type, out);
  }
}

void LinkSession::on_data(const SharedBytes& frame, Received& out) {
  const SharedBytes message = frame.slice(wire::kDataFrameHeaderSize);
  if (message_length(frame.view()) > max_message_size_) {
    if (message.size() > wire::kForwardingHeaderSize) out.oversized_head = message;
    break_link(FrameFault::oversized, out);
    return;
  }
  counters_.add(Counter::frames_received);
  wire::Reader reader(frame.view().subspan(1));
  const std::uint32_t sequence = reader.u32();
  append(out.acks, ack_frame(sequence, window_.receive(sequence)));
  out.messages.push_back(message);
}

// A stream keeps its order, so the acknowledgement of a frame is proof of those before it too.
void LinkSession::on_ack(std::uint32_t sequence, Now now, Received& out) {
  counters_.add(Counter::acks_received);
  const bool was_sent = sequence_difference(sequence, next_sequence_) < 0;
  bool news = false;
  while (was_sent && !unacknowledged_.empty() && sequence_difference(unacknowledged_.front().sequence, sequence) <= 0) {
    if (unacknowledged_.front().sequence == sequence) rtt_.sample(now.mono - unacknowledged_.front().at);
    unacknowledged_.pop_front();
    news = true;
  }
  if (!news) return;
  waiting_since_ = now.mono;
  if (health_ == Health::suspect) {
    health_ = Health::good;
    out.restored = true;
  }
}

void LinkSession::break_link(FrameFault fault, Received& out) {
  broken_ = true;
  out.fault = fault;
  // A message with a head is counted by whoever answers it.
  if (fault == FrameFault::unknown_type) counters_.add(Counter::frames_malformed);
  if (fault == FrameFault::oversized && out.oversized_head.empty()) counters_.add(Counter::frames_oversized);
}

Bytes LinkSession::frame(ByteView head, std::size_t body_size, Now now) {
  const std::size_t length = head.size() + body_size;
  RELOAD_CHECK(length <= limits::kMaxFrameMessage);
  Bytes framed = data_frame_start(next_sequence_, head, body_size);
  if (unacknowledged_.empty()) waiting_since_ = now.mono;
  if (unacknowledged_.size() < limits::kMaxFramesAwaitingAck) unacknowledged_.push_back({next_sequence_, now.mono});
  ++next_sequence_;
  counters_.add(Counter::frames_sent);
  return framed;
}

Health LinkSession::on_time(Now now) {
  const std::optional<Mono> deadline = next_deadline();
  if (!deadline || now.mono < *deadline) return health_;
  if (health_ == Health::good) {
    health_ = Health::suspect;
    suspect_since_ = now.mono;
  } else {
    health_ = Health::dead;
  }
  return health_;
}

std::optional<Mono> LinkSession::next_deadline() const {
  if (health_ == Health::suspect) return suspect_since_ + kSuspectTime;
  if (health_ == Health::dead || unacknowledged_.empty()) return std::nullopt;
  return waiting_since_ + rtt_.rto();
}

}  // namespace reload::link
