// The peers that a node had links to, kept for its next start (6940 11.4).
#pragma once

#include <string>
#include <vector>

#include "reload/node/node.hpp"

namespace reload::io {

// Where up to kCachedNeighbors peers take links, of those in the node's tables that it has a link to at this moment:
// its neighbours, the nearest first, then fingers. Nothing that was only heard of, and no client.
[[nodiscard]] std::vector<wire::IpAddressPort> neighbors_to_keep(const node::NodeStatus& status);

// A file without use is as good as none.
[[nodiscard]] std::vector<wire::IpAddressPort> former_neighbors(const std::string& state_directory);
[[nodiscard]] Result<void> keep_neighbors(const std::string& state_directory,
                                          const std::vector<wire::IpAddressPort>& neighbors);

}  // namespace reload::io
