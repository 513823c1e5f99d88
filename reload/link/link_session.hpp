// One overlay link over a TLS/TCP stream (6940 6.6.2, 6.6.5): frames to messages and back, acknowledgements, round-trip
// times, and the judgement whether the link still works.
#pragma once

#include <deque>
#include <vector>

#include "reload/base/bytes.hpp"
#include "reload/base/counters.hpp"
#include "reload/base/time.hpp"
#include "reload/link/ack_window.hpp"
#include "reload/link/rtt_estimator.hpp"
#include "reload/wire/frame.hpp"

namespace reload::link {

// good: fit for the Routing Table. suspect: no acknowledgement for RTO, out of the Routing Table until one comes.
// dead: none for 30 s more, to be closed.
enum class Health : std::uint8_t { good, suspect, dead };

// Not none: the link is broken and to be closed; what follows on it is not read.
enum class FrameFault : std::uint8_t { none, unknown_type, oversized };

// What one chunk of the stream gave.
struct Received {
  std::vector<SharedBytes> messages;
  Bytes acks;             // one ack frame for each message, to be sent at once as it is
  bool restored = false;  // an acknowledgement made a suspect link good again
  FrameFault fault = FrameFault::none;
  // With fault oversized: the message's forwarding header and code, for Forwarder::receive, which answers with
  // Error_Message_Too_Large; empty when the header alone is above the limit or is no RELOAD header.
  SharedBytes oversized_head;
};

class LinkSession {
 public:
  LinkSession(std::size_t max_message_size, Counters& counters)
      : max_message_size_(max_message_size), counters_(counters) {}

  // Takes the next bytes of the stream. Messages are slices of `chunk`; only one that spans chunks is copied.
  [[nodiscard]] Received feed(const SharedBytes& chunk, Now now);

  // The first bytes of the data frame for a message of `head` and `body_size` more bytes: frame header, then head.
  // Precondition: head.size() + body_size <= limits::kMaxFrameMessage. The frame counts as sent at `now`.
  [[nodiscard]] Bytes frame(ByteView head, std::size_t body_size, Now now);

  // Moves from good to suspect to dead when it is time.
  Health on_time(Now now);
  [[nodiscard]] Health health() const { return health_; }
  [[nodiscard]] std::optional<Mono> next_deadline() const;

  [[nodiscard]] Duration rto() const { return rtt_.rto(); }
  [[nodiscard]] std::optional<Duration> smoothed_rtt() const { return rtt_.smoothed(); }
  [[nodiscard]] std::size_t frames_awaiting_ack() const { return unacknowledged_.size(); }
  void set_max_message_size(std::size_t size) { max_message_size_ = size; }

 private:
  struct Sent {
    std::uint32_t sequence;
    Mono at;
  };

  // How many bytes of the frame that begins with `bytes` are needed, as far as these tell; more than are there: wait.
  [[nodiscard]] std::size_t wanted(ByteView bytes) const;
  // Takes one frame: all bytes that were wanted.
  void consume(const SharedBytes& frame, Now now, Received& out);
  void on_data(const SharedBytes& frame, Received& out);
  void on_ack(std::uint32_t sequence, Now now, Received& out);
  void break_link(FrameFault fault, Received& out);

  std::size_t max_message_size_;
  Counters& counters_;
  Bytes partial_;  // the beginning of a frame that spans chunks
  bool broken_ = false;

  AckWindow window_;
  std::uint32_t next_sequence_ = 0;
  std::deque<Sent> unacknowledged_;  // oldest first
  RttEstimator rtt_;
  Mono waiting_since_{};  // the later of: oldest unacknowledged frame sent, last acknowledgement
  Mono suspect_since_{};
  Health health_ = Health::good;
};

}  // namespace reload::link
