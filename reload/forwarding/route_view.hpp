// What forwarding and storage must ask of the topology: who is responsible, who is next, who holds replicas.
// topology/chord implements it; a client's is trivial (everything goes to its attached peer).
#pragma once

#include <vector>

#include "reload/base/ids.hpp"

namespace reload::forwarding {

class RouteView {
 public:
  virtual ~RouteView() = default;

  [[nodiscard]] virtual bool joined() const = 0;
  // This peer is in charge of the point (joined peers only; a client or joining node: never).
  [[nodiscard]] virtual bool responsible(const ResourceId& resource) const = 0;
  [[nodiscard]] virtual bool responsible(const NodeId& node) const = 0;
  // Whom to send to next for a destination that is not directly connected; best first, empty if nobody is known.
  // Only linked nodes. `own`: a message this node originates (may use peers that sent no Update yet, T4).
  [[nodiscard]] virtual std::vector<NodeId> next_hops(const ResourceId& resource, bool own) const = 0;
  [[nodiscard]] virtual std::vector<NodeId> next_hops(const NodeId& node, bool own) const = 0;

  // 6940 10.4: the peers that get copies of what this peer is responsible for: its first two successors.
  [[nodiscard]] virtual std::vector<NodeId> replica_targets() const = 0;
  // This peer is in the replica set of the resource (owner included).
  [[nodiscard]] virtual bool in_replica_set(const ResourceId& resource) const = 0;
  // A replica or hand-over Store for the resource may come from `sender` (6940 7.4.1.1; guide 12.1).
  [[nodiscard]] virtual bool plausible_replica_source(const ResourceId& resource, const NodeId& sender) const = 0;
  // An answer for the resource may come from `signer`: no known neighbour is closer (6940 6.3.4).
  [[nodiscard]] virtual bool plausible_responder(const ResourceId& resource, const NodeId& signer) const = 0;
  // Who, as far as known, is responsible for the resource now (for the hand-over of values); self if this peer is.
  [[nodiscard]] virtual NodeId owner_of(const ResourceId& resource) const = 0;

  // 6940 6.5.3: share of the ring this peer is responsible for, in parts per billion.
  [[nodiscard]] virtual std::uint32_t responsible_ppb() const = 0;
};

}  // namespace reload::forwarding
