// One overlay link over a TLS/TCP stream (6940 6.6.2, 6.6.5): frames to messages and back, acknowledgements, round-trip
// times, and the judgement whether the link still works.
#pragma once

#include <deque>
#include <utility>

#include "reload/base/counters.hpp"
#include "reload/base/limits.hpp"
#include "reload/link/ack_window.hpp"
#include "reload/link/rtt_estimator.hpp"
#include "reload/link/session.hpp"

namespace reload::link {

class LinkSession final : public Session {
 public:
  LinkSession(std::size_t max_message_size, Counters& counters)
      : max_message_size_(max_message_size), counters_(counters) {}

  // Takes the next bytes of the stream. Messages are slices of `chunk`; only one that spans chunks is copied.
  [[nodiscard]] Received feed(const SharedBytes& chunk, Now now) override;

  // The first bytes of the data frame for a message of `head` and `body_size` more bytes: frame header, then head.
  // Precondition: head.size() + body_size <= limits::kMaxFrameMessage. The frame counts as sent at `now`.
  [[nodiscard]] Bytes frame(ByteView head, std::size_t body_size, Now now);
  void send(ByteView head, const SharedBytes& body, Rank, Now now) override {
    outgoing_ = Outgoing{frame(head, body.size(), now), body};
  }
  [[nodiscard]] std::optional<Outgoing> take_outgoing() override { return std::exchange(outgoing_, std::nullopt); }

  // Moves from good to suspect to dead when it is time.
  Health on_time(Now now) override;
  [[nodiscard]] Health health() const override { return health_; }
  [[nodiscard]] std::optional<Mono> next_deadline() const override;

  [[nodiscard]] Duration rto() const { return rtt_.rto(); }
  [[nodiscard]] std::optional<Duration> smoothed_rtt() const override { return rtt_.smoothed(); }
  [[nodiscard]] bool is_busy() const override { return unacknowledged_.size() >= limits::kBusyLinkFrames; }
  [[nodiscard]] std::size_t frames_awaiting_ack() const { return unacknowledged_.size(); }
  void set_max_message_size(std::size_t size) override { max_message_size_ = size; }

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
  std::optional<Outgoing> outgoing_;
  std::deque<Sent> unacknowledged_;  // oldest first
  RttEstimator rtt_;
  Mono waiting_since_{};  // the later of: oldest unacknowledged frame sent, last acknowledgement
  Mono suspect_since_{};
  Health health_ = Health::good;
};

}  // namespace reload::link
