// One overlay link over datagrams, that is DTLS (6940 6.6.4, 6.6.6), with Simple Reliability: each message is sent
// again until it is acknowledged, and the next one only then (6.6.3.1, stop and wait). So there is never more than one
// message on its way in a round trip, and less and less when the way loses them, which is what RFC 5405 asks of UDP.
//
// A retransmission is a new frame, so the other side may receive a message twice (T47); that is for the parts above.
#pragma once

#include <deque>
#include <utility>

#include "reload/base/counters.hpp"
#include "reload/base/limits.hpp"
#include "reload/link/ack_window.hpp"
#include "reload/link/rtt_estimator.hpp"
#include "reload/link/session.hpp"

namespace reload::link {

// What the driver knows of the way that a datagram link's datagrams take.
struct DatagramPath {
  std::size_t mtu = 1200;  // bytes of application data in one datagram
  // The retransmission timeout before the first round trip was measured. By a local setting less, when all nodes are on
  // one local network, or more, when the way is known to be slow.
  Duration first_rto = 500ms;
  std::optional<Duration> round_trip;  // of the STUN check that found the way; a link without ICE has none
};

class DatagramSession final : public Session {
 public:
  DatagramSession(const DatagramPath& path, std::size_t max_message_size, Counters& counters);

  // Takes one datagram: one frame. What is no frame is counted and otherwise ignored, as its sender sends it again.
  [[nodiscard]] Received feed(const SharedBytes& datagram, Now now) override;
  // When too much is waiting, what waits longest is dropped, and counted.
  void send(ByteView head, const SharedBytes& body, Rank rank, Now now) override;
  Health on_time(Now now) override;
  [[nodiscard]] std::optional<Outgoing> take_outgoing() override { return std::exchange(outgoing_, std::nullopt); }

  [[nodiscard]] Health health() const override { return health_; }
  [[nodiscard]] std::optional<Mono> next_deadline() const override { return due_; }
  [[nodiscard]] std::optional<Duration> smoothed_rtt() const override { return rtt_.smoothed(); }
  [[nodiscard]] bool is_busy() const override { return waiting_.size() >= limits::kMaxDatagramsQueued / 2; }
  [[nodiscard]] std::optional<std::size_t> path_mtu() const override { return mtu_; }
  void set_max_message_size(std::size_t size) override { max_message_size_ = size; }

  [[nodiscard]] Duration rto() const { return rtt_.rto(); }
  [[nodiscard]] std::size_t waiting() const {
    return waiting_.size() + (transmissions_ != 0);
  }  // with the one under way

 private:
  struct Message {
    Bytes head;
    SharedBytes body;
    bool upkeep;
    std::uint64_t number;  // fragments of one message have the same
    Mono since;
    [[nodiscard]] std::size_t size() const { return head.size() + body.size(); }
  };
  struct Sent {
    std::uint32_t sequence;
    Mono at;
  };

  void on_data(const SharedBytes& frame, Received& out);
  void on_ack(std::uint32_t sequence, Now now, Received& out);
  void begin_next(Now now);  // precondition: there is one
  void transmit(Now now);
  void drop_oldest();
  [[nodiscard]] std::deque<Message>::iterator next(Now now);

  std::size_t mtu_;
  std::size_t max_message_size_;
  Counters& counters_;
  AckWindow window_;
  RttEstimator rtt_;

  std::deque<Message> waiting_;  // oldest first
  std::size_t waiting_bytes_ = 0;
  std::uint64_t last_number_ = 0;
  Message under_way_{};
  unsigned transmissions_ = 0;  // of the message under way; 0: there is none
  std::optional<Outgoing> outgoing_;
  Duration wait_{};     // for its acknowledgement
  bool heard_ = false;  // any acknowledgement since its first retransmission
  Mono pause_until_{};  // after the last acknowledgement
  std::optional<Mono> due_;
  std::uint32_t next_sequence_ = 0;
  std::deque<Sent> sent_;  // the latest transmissions without acknowledgement, oldest first
  Health health_ = Health::good;
};

}  // namespace reload::link
