// What the SIP side knows of the overlay without asking, and how it reaches the thread that drives the node.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "reload/overlay/overlay.hpp"

namespace reload::sip {

// Runs `call` with the node's Overlay on the thread that drives the node, in the order posted. May be called from any
// thread, never blocks, and may drop the call once the node has stopped. Callbacks given to that Overlay run on the
// node's thread; they only hand their result over to the SIP thread.
using PostToNode = std::function<void(std::function<void(overlay::Overlay&)>)>;

// A snapshot, taken on the node's thread and handed over whole (SipService::update) when something in it changes.
struct OverlayFacts {
  NodeId self;
  std::string overlay_name;
  std::vector<config::Kind> kinds;
  std::map<std::string, NodeId> users;  // hosted user to the Node-ID it signs with (overlay::Overlay::user_node_id)
  std::map<std::string, std::uint64_t> credentials;  // of each, a number that changes with every renewal
  std::set<std::string> awaited;  // users whose credentials are on their way
  bool joined = false;
};

}  // namespace reload::sip
