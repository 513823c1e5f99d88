#include "reload/io/former_neighbors.hpp"

#include <algorithm>

#include "reload/base/limits.hpp"
#include "reload/io/overlay_files.hpp"
#include "reload/io/uv_tcp.hpp"

namespace reload::io {

namespace {

constexpr std::size_t kMaxFileBytes = 4096;

std::string path_of(const std::string& state_directory) { return state_directory + "/neighbors"; }

}  // namespace

std::vector<wire::IpAddressPort> neighbors_to_keep(const node::NodeStatus& status) {
  std::vector<wire::IpAddressPort> found;
  const auto add = [&](const NodeId& node) {
    const auto link = std::ranges::find_if(
        status.links, [&](const node::LinkInfo& each) { return each.node == node && each.listens_at; });
    if (link == status.links.end() || found.size() == limits::kCachedNeighbors) return;
    if (std::ranges::find(found, *link->listens_at) == found.end()) found.push_back(*link->listens_at);
  };
  const auto& near = status.topology;
  for (std::size_t i = 0; i < std::max(near.successors.size(), near.predecessors.size()); ++i) {
    if (i < near.successors.size()) add(near.successors[i]);
    if (i < near.predecessors.size()) add(near.predecessors[i]);
  }
  for (const NodeId& finger : near.fingers) add(finger);
  return found;
}

std::vector<wire::IpAddressPort> former_neighbors(const std::string& state_directory) {
  std::vector<wire::IpAddressPort> found;
  const auto bytes = read_file(path_of(state_directory), kMaxFileBytes);
  if (!bytes) return found;
  for (std::string_view text = as_text(*bytes); !text.empty() && found.size() < limits::kCachedNeighbors;) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (const auto address = parse_address(text.substr(0, end)); address) found.push_back(*address);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return found;
}

Result<void> keep_neighbors(const std::string& state_directory, const std::vector<wire::IpAddressPort>& neighbors) {
  std::string text;
  for (const auto& address : neighbors) text += to_text(address) + "\n";
  return write_file(path_of(state_directory), as_bytes(text));
}

}  // namespace reload::io
