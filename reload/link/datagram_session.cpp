#include "reload/link/datagram_session.hpp"

#include <algorithm>
#include <utility>

#include "reload/base/check.hpp"
#include "reload/base/limits.hpp"
#include "reload/link/framing.hpp"
#include "reload/wire/reader.hpp"

namespace reload::link {

namespace {

// 6940 6.6.3.1.
constexpr unsigned kTransmissions = 5;
constexpr unsigned kTransmissionsBeforeSuspect = 3;
constexpr Duration kPause = 10ms;
// Not of the RFC: a process that stands still for a moment must not lose all its links, each of which is closed after
// 31 timeouts. A setting that says that all nodes are on one local network goes below.
constexpr Duration kLeastRto = 200ms;
constexpr std::size_t kSendTimesKept = 16;  // acknowledgements of older frames are too late to tell anything

RtoRules rules_for(const DatagramPath& path) { return {path.first_rto, std::min(kLeastRto, path.first_rto), 1ms}; }

}  // namespace

DatagramSession::DatagramSession(const DatagramPath& path, std::size_t max_message_size, Counters& counters)
    : mtu_(path.mtu), max_message_size_(max_message_size), counters_(counters), rtt_(rules_for(path)) {
  if (path.round_trip) rtt_.sample(*path.round_trip);
}

Received DatagramSession::feed(const SharedBytes& datagram, Now now) {
  Received out;
  if (health_ == Health::dead || datagram.empty()) return out;
  const ByteView bytes = datagram.view();
  if (bytes[0] == kAck && bytes.size() == wire::kAckFrameSize) {
    wire::Reader reader(bytes.subspan(1));
    on_ack(reader.u32(), now, out);
  } else if (bytes[0] == kData && bytes.size() >= wire::kDataFrameHeaderSize &&
             message_length(bytes) == bytes.size() - wire::kDataFrameHeaderSize) {
    on_data(datagram, out);
  } else {
    counters_.add(Counter::frames_malformed);
  }
  return out;
}

void DatagramSession::on_data(const SharedBytes& frame, Received& out) {
  const SharedBytes message = frame.slice(wire::kDataFrameHeaderSize);
  if (message.size() > max_message_size_) {
    out.fault = FrameFault::oversized;
    const auto head = answerable_head(message.view(), max_message_size_);
    if (head && *head <= message.size()) {
      out.oversized_head = message.slice(0, *head);  // counted by whoever answers it
    } else {
      counters_.add(Counter::frames_oversized);
    }
    return;
  }
  counters_.add(Counter::frames_received);
  wire::Reader reader(frame.view().subspan(1));
  const std::uint32_t sequence = reader.u32();
  out.acks = ack_frame(sequence, window_.receive(sequence));
  out.messages.push_back(message);
}

// Each acknowledgement is a sample, as a retransmission has its own number. That of any transmission of the message
// under way ends its sending.
void DatagramSession::on_ack(std::uint32_t sequence, Now now, Received& out) {
  counters_.add(Counter::acks_received);
  const auto sent = std::find_if(sent_.begin(), sent_.end(), [&](const Sent& one) { return one.sequence == sequence; });
  if (sent == sent_.end()) return;
  rtt_.sample(now.mono - sent->at);
  sent_.erase(sent);
  heard_ = true;
  if (health_ == Health::suspect) {
    health_ = Health::good;
    out.restored = true;
  }
  if (next_sequence_ - sequence > transmissions_) return;  // of a message that is done already
  transmissions_ = 0;
  pause_until_ = now.mono + kPause;
  due_ = waiting_.empty() ? std::nullopt : std::optional(pause_until_);
}

void DatagramSession::send(ByteView head, const SharedBytes& body, Rank rank, Now now) {
  const std::size_t size = head.size() + body.size();
  RELOAD_CHECK(size <= limits::kMaxFrameMessage);
  if (health_ == Health::dead) return;
  if (!rank.further) ++last_number_;
  while (!waiting_.empty() &&
         (waiting_.size() >= limits::kMaxDatagramsQueued || waiting_bytes_ + size > limits::kMaxDatagramQueueBytes)) {
    drop_oldest();
  }
  waiting_.push_back({to_bytes(head), body, rank.upkeep, last_number_, now.mono});
  waiting_bytes_ += size;
  if (transmissions_ != 0) return;
  if (pause_until_ <= now.mono) return begin_next(now);
  due_ = pause_until_;
}

void DatagramSession::drop_oldest() {
  waiting_bytes_ -= waiting_.front().size();
  waiting_.pop_front();
  counters_.add(Counter::messages_dropped_queue);
}

// The ring's upkeep is little and goes first: a peer whose Updates do not come is taken for gone, and what that costs
// is the more to be sent. All else in order, as long as that is soon. A link that is asked for more than one message a
// round trip goes by the newest instead: in order, each message would come so late that its sender sends it again, of
// all that is sent nothing would be of use, and the link would never come out of it. What was begun is ended first: a
// part of a message is nothing.
std::deque<DatagramSession::Message>::iterator DatagramSession::next(Now now) {
  const auto rest = std::ranges::find(waiting_, under_way_.number, &Message::number);
  if (rest != waiting_.end()) return rest;
  const auto upkeep = std::ranges::find(waiting_, true, &Message::upkeep);
  if (upkeep != waiting_.end()) return upkeep;
  if (now.mono - waiting_.front().since <= limits::kDatagramQueueTimeInOrder) return waiting_.begin();
  return std::ranges::find(waiting_, waiting_.back().number, &Message::number);
}

void DatagramSession::begin_next(Now now) {
  while (waiting_.size() > 1 && now.mono - waiting_.front().since > limits::kMaxDatagramQueueTime) drop_oldest();
  const auto chosen = next(now);
  under_way_ = std::move(*chosen);
  waiting_.erase(chosen);
  waiting_bytes_ -= under_way_.size();
  transmit(now);
}

void DatagramSession::transmit(Now now) {
  wait_ = transmissions_ == 0 ? rtt_.rto() : 2 * wait_;
  if (transmissions_ == 1) heard_ = false;
  ++transmissions_;
  counters_.add(transmissions_ == 1 ? Counter::frames_sent : Counter::frames_resent);
  if (sent_.size() >= kSendTimesKept) sent_.pop_front();
  sent_.push_back({next_sequence_, now.mono});
  outgoing_ = Outgoing{data_frame_start(next_sequence_++, under_way_.head, under_way_.body.size()), under_way_.body};
  due_ = now.mono + wait_;
}

Health DatagramSession::on_time(Now now) {
  if (!due_ || now.mono < *due_) return health_;
  if (transmissions_ == kTransmissions) {
    health_ = Health::dead;
    transmissions_ = 0;
    waiting_.clear();
    waiting_bytes_ = 0;
    due_.reset();
    return health_;
  }
  if (transmissions_ == 0) {
    begin_next(now);
  } else {
    transmit(now);
  }
  if (transmissions_ > kTransmissionsBeforeSuspect && !heard_) health_ = Health::suspect;
  return health_;
}

}  // namespace reload::link
