// What a node is given at construction.
#pragma once

#include "reload/base/limits.hpp"
#include "reload/connect/connect.hpp"

namespace reload::node {

enum class Role : std::uint8_t { peer, client };

struct NodeOptions {
  Role role = Role::peer;
  bool visits = false;  // a client for the moment that it takes to hand something over: no client that the overlay has
  bool first_peer = false;  // start a new overlay: joined at once, alone (6940 10.5: only by a local setting)
  connect::ConnectOptions candidates;
  // Successors that have copies of what this peer is in charge of: two by 6940 10.4, the same at every peer. Other
  // numbers, up to the three neighbours of 10.7, are for studies.
  std::size_t replicas = limits::kReplicas;
  std::vector<wire::IpAddressPort> former_neighbors;  // tried before the bootstrap nodes (6940 11.4)
  std::vector<wire::IpAddressPort> bootstrap;         // in place of the document's bootstrap nodes, when not empty
};

}  // namespace reload::node
