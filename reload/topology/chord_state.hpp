// What the parts of the Chord plug-in share: the tables, the links, and the requests that are out.
#pragma once

#include <memory>

#include "reload/base/flat_map.hpp"
#include "reload/topology/chord_tables.hpp"
#include "reload/topology/topology.hpp"

namespace reload::topology {

// A node with an overlay link: peer, joining peer or client, which only its Updates tell apart (T4).
struct Link {
  bool leaving = false;        // it said Leave: never routed through again over this link
  bool update_wanted = false;  // it asked for an Update that this peer could not send yet
  bool suspect = false;        // no acknowledgement for an RTO
  bool answered = false;       // a request of the topology, since the link came up
  bool told_us = false;        // an Update came from it
  Mono suspect_since;
  Mono heard;                                 // last answer or Update
  Mono pinged;                                // last Ping to see whether it is there
  std::vector<NodeId> named;                  // the neighbours it told of last
  std::shared_ptr<const NeighborLists> told;  // the neighbours of ours it knows; null: not even that we are a peer
  std::optional<Mono> update_out;             // since when an Update to it is unanswered
  Mono refresh_at;                            // when it gets the next periodic Update
};

enum class RequestKind : std::uint8_t {
  update,
  join,
  leave,
  neighbor_ping,
  successor_ping,
  finger_ping,
  bootstrap_ping,
  route_query
};
struct SentRequest {
  RequestKind kind = RequestKind::update;
  NodeId node;
  unsigned slot = 0;  // finger_ping
};

// A predecessor this peer has no usable link to yet, named by the peer that admitted it: what is its, is not ours.
struct Floor {
  NodeId node;
  Mono until;
};

struct ChordState {
  explicit ChordState(const NodeId& node) : self(node), here(ring::to_point(node.view())), tables(node) {}

  NodeId self;
  ring::Point here;
  JoinState join = JoinState::idle;
  ChordTables tables;  // linked peers that sent an Update
  FlatMap<NodeId, Link> links;
  std::optional<NodeId> bootstrap;
  std::optional<Floor> floor;
  std::optional<NodeId> unannounced;  // the peer admitted last, until its own Update
  bool announced = false;             // own Updates may go out (10.5: not before the neighbours are attached)
  Mono started;
  FlatMap<std::uint64_t, SentRequest> requests;
  std::uint64_t next_number = 1;

  [[nodiscard]] bool joined() const { return join == JoinState::joined || join == JoinState::leaving; }
  // The point this peer's range starts behind; its own when it is alone.
  [[nodiscard]] ring::Point range_start() const;
  [[nodiscard]] bool responsible(ring::Point point) const;
  [[nodiscard]] NeighborLists neighbors() const { return tables.neighbors(); }

  // Over the link to the node if there is one, else as routing says. One request, one answer, by the token's number.
  void send(RequestKind kind, const NodeId& node, wire::MessageCode code, Bytes body, messaging::Context& context);
  void send_to(SentRequest sent, messaging::SendRequest request, messaging::Context& context);
};

// 0 to `bound`.
[[nodiscard]] Duration jitter(Duration bound, Rng& rng);
[[nodiscard]] wire::DestinationList through(const NodeId& via, wire::Destination last);
// The earlier of the two.
void sooner(std::optional<Mono>& deadline, const std::optional<Mono>& other);

}  // namespace reload::topology
