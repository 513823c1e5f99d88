// What an overlay link does for the node, whatever carries it: frames to messages and back (6940 6.6.2), and the
// judgement whether it still works. LinkSession does it on a stream, DatagramSession on datagrams.
#pragma once

#include <optional>
#include <vector>

#include "reload/base/bytes.hpp"
#include "reload/base/time.hpp"

namespace reload::link {

// good: fit for the Routing Table. suspect: no acknowledgement in time, out of the Routing Table until one comes.
// dead: to be closed.
enum class Health : std::uint8_t { good, suspect, dead };

// Not none: the link is broken and to be closed; what follows on it is not read.
enum class FrameFault : std::uint8_t { none, unknown_type, oversized };

// What one chunk of the stream, or one datagram, gave.
struct Received {
  std::vector<SharedBytes> messages;
  Bytes acks;             // one ack frame for each message, to be sent at once as it is
  bool restored = false;  // an acknowledgement made a suspect link good again
  FrameFault fault = FrameFault::none;
  // With fault oversized: the message's forwarding header and code, for Forwarder::receive, which answers with
  // Error_Message_Too_Large; empty when the header alone is above the limit or is no RELOAD header.
  SharedBytes oversized_head;
};

// To be written as it is: `head` then `body`. On a datagram link it is one datagram.
struct Outgoing {
  Bytes head;
  SharedBytes body;
};

// Where what is sent stands among what waits for the link.
struct Rank {
  bool upkeep = false;   // keeps the ring together: goes before what it carries for its users
  bool further = false;  // of the message that was begun by the call before
};

class Session {
 public:
  Session() = default;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  virtual ~Session() = default;

  // Takes what arrived. Messages are slices of it where they can be.
  [[nodiscard]] virtual Received feed(const SharedBytes& bytes, Now now) = 0;
  // Has the message, or fragment, of `head` and `body` sent. Precondition: together at most limits::kMaxFrameMessage.
  virtual void send(ByteView head, const SharedBytes& body, Rank rank, Now now) = 0;
  // Moves from good to suspect to dead, and sends what waited, when it is time.
  virtual Health on_time(Now now) = 0;
  // After `send` and `on_time`: what is to be written now.
  [[nodiscard]] virtual std::optional<Outgoing> take_outgoing() = 0;

  [[nodiscard]] virtual Health health() const = 0;
  [[nodiscard]] virtual std::optional<Mono> next_deadline() const = 0;
  [[nodiscard]] virtual std::optional<Duration> smoothed_rtt() const = 0;
  // More is under way or waits than one that has its share should add to.
  [[nodiscard]] virtual bool is_busy() const = 0;
  // How many bytes one write may have; nothing: any number. A longer message is to be sent in fragments (6.7).
  [[nodiscard]] virtual std::optional<std::size_t> path_mtu() const { return std::nullopt; }
  virtual void set_max_message_size(std::size_t size) = 0;
};

}  // namespace reload::link
