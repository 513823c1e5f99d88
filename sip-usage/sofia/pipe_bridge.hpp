// An overlay pipe as a TCP connection for sofia-sip, which has no way to register a transport of ours. For each pipe a
// relay connects to the private listener over loopback and copies bytes both ways. What arrives at the listener from
// any other socket is a stranger's: a relay is known by its local port, which the kernel gives to one socket only.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "reload/overlay/overlay.hpp"
#include "sip-usage/bindings.hpp"
#include "sip-usage/sofia/sofia.hpp"

namespace reload::sip {

class PipeBridge {
 public:
  struct Events {
    std::function<void(overlay::PipeId, SharedBytes)> outgoing;  // bytes for the pipe
    std::function<void(overlay::PipeId)> broken;                 // the relay failed: close the pipe
  };
  using Ready = std::function<void(bool)>;

  PipeBridge(su_root_t* root, std::uint16_t listener_port, Events events)
      : root_(root), listener_port_(listener_port), events_(std::move(events)) {}
  ~PipeBridge();
  PipeBridge(const PipeBridge&) = delete;
  PipeBridge& operator=(const PipeBridge&) = delete;

  void open(const overlay::Pipe& pipe);
  void close(overlay::PipeId pipe);
  void incoming(overlay::PipeId pipe, const SharedBytes& bytes);

  // Runs `ready` once sofia-sip has accepted the relay, so that a request can be sent to route_uri(); with false when
  // that fails or there is no such pipe.
  void when_ready(overlay::PipeId pipe, Ready ready);
  // Precondition: ready.
  [[nodiscard]] std::string route_uri(overlay::PipeId pipe) const;
  // The remote node of the relay at this source; nothing for a stranger.
  [[nodiscard]] std::optional<NodeId> node_at(const Flow& source) const;

 private:
  struct Relay {
    PipeBridge* bridge = nullptr;
    overlay::PipeId pipe = 0;
    NodeId remote;
    int socket = -1;
    int watch = 0;  // su_root's number for it
    std::uint16_t port = 0;
    bool accepted = false;          // the first pong came
    std::size_t pong = 0;           // bytes of it
    bool writing = false;           // waits until the socket takes more
    std::deque<SharedBytes> queue;  // for sofia-sip
    std::size_t queued = 0;
    std::vector<Ready> waiting;
  };

  static int event(su_root_magic_t* magic, su_wait_t* wait, su_wakeup_arg_t* arg);
  bool connect(Relay& relay);
  bool read(Relay& relay);
  bool write(Relay& relay);
  void take_pong(Relay& relay, ByteView& bytes);
  void fail(overlay::PipeId pipe);

  su_root_t* const root_;
  const std::uint16_t listener_port_;
  const Events events_;
  std::map<overlay::PipeId, std::unique_ptr<Relay>> relays_;
  std::map<std::uint16_t, overlay::PipeId> by_port_;
};

}  // namespace reload::sip
