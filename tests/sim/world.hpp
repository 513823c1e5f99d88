// The simulator: production Nodes on a virtual clock and network. Everything random comes from one seed, so a run can
// be repeated, and its digest says whether it was.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <queue>

#include "reload/node/node.hpp"
#include "reload/overlay/overlay_port.hpp"
#include "reload/storage/memory_store.hpp"
#include "tests/sim/network.hpp"

namespace reload::sim {

struct WorldOptions {
  std::uint64_t seed = 1;
  NetworkOptions network;
  Duration clock_offset_max = 500ms;  // how far the wall clocks of nodes are apart
  std::chrono::seconds update_interval{600};
  std::chrono::seconds ping_interval{3600};
  std::size_t bootstrap_nodes = 3;
};

class World {
 public:
  explicit World(WorldOptions options);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // A node that is not running yet; the first of all begins the overlay. `user`: its certificate's user name.
  std::size_t add_node(node::Role role = node::Role::peer);
  void start(std::size_t index);
  // Ends a node between two steps, as SIGKILL does: what was not committed is gone, the rest is there at the restart.
  void crash(std::size_t index);
  void leave(std::size_t index);

  // Runs the world until `condition` holds, at most for `limit` of virtual time; whether it came to hold.
  bool run_until(const std::function<bool()>& condition, Duration limit);
  void run_for(Duration time);

  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  [[nodiscard]] bool running(std::size_t index) const { return nodes_[index]->node != nullptr; }
  [[nodiscard]] bool is_peer(std::size_t index) const { return nodes_[index]->role == node::Role::peer; }
  [[nodiscard]] node::Node& node(std::size_t index) { return *nodes_[index]->node; }
  [[nodiscard]] overlay::OverlayPort& overlay(std::size_t index) { return *nodes_[index]->port; }
  [[nodiscard]] storage::MemoryStore& store(std::size_t index) { return *nodes_[index]->store; }
  [[nodiscard]] Network& network() { return network_; }
  [[nodiscard]] Prng& rng() { return rng_; }
  [[nodiscard]] Now now_of(std::size_t index) const;
  [[nodiscard]] Mono now() const { return now_; }
  // A user's credential that this node hosts; returns the user name.
  std::string add_user(std::size_t index, const std::string& name);

  // Over everything that happened: the same seed and calls give the same digest.
  [[nodiscard]] std::uint64_t digest() const { return digest_; }
  [[nodiscard]] std::uint64_t steps() const { return steps_; }
  [[nodiscard]] std::uint64_t messages() const { return messages_; }

 private:
  struct SimNode {
    std::size_t index = 0;
    node::Role role = node::Role::peer;
    security::CredentialPtr credential;
    std::vector<security::CredentialPtr> users;
    wire::IpAddressPort address;
    Duration clock_offset{};
    std::uint64_t generation = 0;  // counts starts: events of an earlier life are dropped
    std::unique_ptr<Prng> rng;
    std::unique_ptr<storage::MemoryStore> store;
    std::unique_ptr<node::Node> node;
    std::unique_ptr<overlay::OverlayPort> port;
    std::optional<Mono> wake_at;
  };
  // One end of a link; `peer` and `peer_link` are the other end.
  struct End {
    std::size_t peer = 0;
    LinkId peer_link;
    Mono last_arrival;  // a stream keeps its order
  };
  struct Event {
    Mono at;
    std::uint64_t order = 0;
    std::function<void()> run;
    bool operator>(const Event& other) const { return std::tie(at, order) > std::tie(other.at, other.order); }
  };

  void schedule(Duration after, std::function<void()> run);
  void input(std::size_t index, node::Input input);
  void drain(std::size_t index);
  void execute(std::size_t index, node::Output& output);
  void open(std::size_t from, const node::OpenLink& order);
  void send(std::size_t from, const node::SendOnLink& order);
  void close(std::size_t from, LinkId link, const std::string& reason);
  void arm(std::size_t index);
  void note(std::uint64_t value);
  [[nodiscard]] std::vector<wire::IpAddressPort> bootstrap_of(std::size_t index) const;

  WorldOptions options_;
  Prng rng_;
  Network network_;
  std::unique_ptr<security::Crypto> crypto_;
  config::ConfigPtr config_;
  std::vector<std::unique_ptr<SimNode>> nodes_;
  std::map<std::pair<std::size_t, LinkId>, End> ends_;
  std::map<wire::IpAddressPort, std::size_t> by_address_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  Mono now_;
  std::uint64_t next_order_ = 0;
  std::uint64_t digest_ = 0xcbf29ce484222325;
  std::uint64_t steps_ = 0;
  std::uint64_t messages_ = 0;
};

}  // namespace reload::sim
