// One RELOAD node: a plain object without thread, socket, clock or file. A driver gives it one input and the time,
// commits (flush), drains the outputs, and comes back at the next deadline or input.
#pragma once

#include <memory>

#include "reload/node/node_options.hpp"
#include "reload/node/output.hpp"
#include "reload/topology/topology.hpp"

namespace reload::node {

// For /status and the tools; a copy, safe to keep.
struct LinkInfo {
  NodeId node;
  wire::IpAddressPort remote;
  bool inbound = false;
  std::optional<wire::IpAddressPort> listens_at;  // where that node takes links, if it was told
  Duration round_trip{};
};
struct NodeStatus {
  NodeId self;
  std::string overlay;
  std::uint16_t configuration_sequence = 0;
  topology::TopologyStatus topology;
  std::vector<LinkInfo> links;
  std::size_t values = 0;
  std::size_t resources = 0;
  Duration uptime{};
};

class Node {
 public:
  // `crypto`, `rng` and `store` outlive the node.
  static Result<std::unique_ptr<Node>> make(NodeOptions options, config::ConfigPtr config,
                                            security::Credentials credentials, const security::Crypto& crypto, Rng& rng,
                                            storage::ValueStore& store, Now now);
  ~Node();

  // Begins to join, or the overlay itself.
  void start(Now now);
  void handle(Input input, Now now);
  // Store, then send: commits what the inputs since the last call have stored, then gives what is to be done. A driver
  // may gather the inputs of one loop turn before it, so that they share one commit. When the commit fails, nothing
  // that could acknowledge the lost writes is signed.
  [[nodiscard]] std::vector<Output> take_outputs();
  [[nodiscard]] std::optional<Mono> next_deadline(Now now) const;

  // An id for a link that came in, to be used in its LinkUp. Ids grow, so the newest link has the largest.
  [[nodiscard]] LinkId new_link();

  // From now on the node signs with this credential, which is checked and must be of the node's own Node-ID. Links
  // stay; the driver makes new ones with it. What was signed before and is still on its way counts as long as the old
  // one.
  [[nodiscard]] Result<void> renew_credential(security::CredentialPtr credential, Now now);
  // A user this node hosts. Its Node-ID must not be the node's own.
  CredentialId add_user(security::CredentialPtr credential);
  void remove_user(std::string_view user_name);
  [[nodiscard]] const security::Credentials& credentials() const;

  [[nodiscard]] NodeId self() const;
  [[nodiscard]] bool joined() const;
  [[nodiscard]] const config::OverlayConfig& config() const;
  [[nodiscard]] const config::ConfigPtr& shared_config() const;
  [[nodiscard]] NodeStatus status(Now now) const;
  [[nodiscard]] topology::TopologyStatus topology() const;
  [[nodiscard]] const Counters& counters() const;
  [[nodiscard]] const forwarding::RouteView& route() const;
  // The Resource-ID of a Resource Name (6940 10.2).
  [[nodiscard]] ResourceId resource(std::string_view name) const;

 private:
  struct Impl;
  explicit Node(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace reload::node
