// One SIP connection for each remote node (RFC 7904 section 5): opened by AppAttach when first needed, reused by all
// calls, kept alive, closed when idle or dead. A RELOAD link is never used for SIP.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "reload/base/time.hpp"
#include "reload/overlay/overlay.hpp"
#include "reload/wire/destination.hpp"
#include "sip-usage/counters.hpp"

namespace reload::sip {

class Connections {
 public:
  struct Events {
    std::function<void(const overlay::Pipe&)> opened;  // from either side
    std::function<void(overlay::PipeId)> closed;
  };
  using Done = std::function<void(overlay::Outcome<overlay::Pipe>)>;

  // Both outlive the connections; no callback of the overlay may come after their end.
  Connections(overlay::Overlay& overlay, SipCounters& counters, Events events)
      : overlay_(overlay), counters_(counters), events_(std::move(events)) {}

  // A connection to the node at the end of the list, which must be a Node-ID. `done` runs at once when there is one.
  // Those who ask while one is being opened wait for it together.
  void obtain(const wire::DestinationList& destinations, ApplicationId application, Mono now, Done done);

  void accepted(const overlay::Pipe& pipe, Mono now);
  void closed(overlay::PipeId pipe);
  void close(overlay::PipeId pipe);  // by us
  void sent(overlay::PipeId pipe, Mono now);
  void received(overlay::PipeId pipe, ByteView bytes, Mono now);
  void tick(Mono now);

 private:
  using Remote = std::pair<NodeId, ApplicationId>;
  struct Open {
    Remote remote;
    Mono last_sent;
    Mono last_received;
    Mono last_sip;
  };

  void attached(const Remote& remote, overlay::Outcome<overlay::Pipe> outcome);
  bool add(const overlay::Pipe& pipe, ApplicationId application);
  void forget(std::map<overlay::PipeId, Open>::iterator at);

  overlay::Overlay& overlay_;
  SipCounters& counters_;
  Events events_;
  std::map<overlay::PipeId, Open> open_;
  std::map<Remote, overlay::Pipe> preferred_;      // of several to one node, the one that is used
  std::map<Remote, std::vector<Done>> attaching_;  // who waits for an AppAttach
  std::size_t waiting_ = 0;
  Mono now_;
};

}  // namespace reload::sip
