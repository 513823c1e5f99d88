// The simulator: production Nodes on a virtual clock and network. Everything random comes from one seed, so a run can
// be repeated, and its digest says whether it was.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "reload/base/flat_map.hpp"
#include "reload/node/node.hpp"
#include "reload/overlay/overlay_port.hpp"
#include "reload/storage/memory_store.hpp"
#include "sim/network.hpp"

namespace reload::sim {

struct WorldOptions {
  std::uint64_t seed = 1;
  NetworkOptions network;
  Duration clock_offset_max = 500ms;  // how far the wall clocks of nodes are apart
  std::chrono::seconds update_interval{600};
  std::chrono::seconds ping_interval{3600};
  bool reactive = true;
  bool datagrams = false;  // overlay links like DTLS (6940 6.6.3): what is lost is sent again, the order is not kept
  std::size_t bootstrap_nodes = 3;
  std::size_t replicas = limits::kReplicas;
  [[nodiscard]] std::size_t copies() const { return replicas + 1; }  // of each value, its owner's included
};

// Sees what passes between nodes, as a capture would: checkers and recorders are built on it.
class Observer {
 public:
  virtual ~Observer() = default;
  // `head` and `body` as in node::SendOnLink. `lost`: it will not arrive.
  virtual void on_send(Mono now, std::size_t from, std::size_t to, ByteView head, ByteView body, bool lost) = 0;
  // `from` opened a link to `to`, and both know of it.
  virtual void on_link([[maybe_unused]] Mono now, [[maybe_unused]] std::size_t from, [[maybe_unused]] std::size_t to) {}
};

class World {
 public:
  explicit World(WorldOptions options);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  [[nodiscard]] const WorldOptions& options() const { return options_; }

  // A node that is not running yet; the first of all begins the overlay. Its Node-ID is drawn from the seed, or given.
  std::size_t add_node(node::Role role = node::Role::peer);
  std::size_t add_node(node::Role role, const NodeId& id);
  void start(std::size_t index);
  // Ends a node between two steps, as SIGKILL does: what was not committed is gone, the rest is there at the restart.
  void crash(std::size_t index);
  void leave(std::size_t index);

  // Runs the world until `condition` holds, at most for `limit` of virtual time; whether it came to hold.
  bool run_until(const std::function<bool()>& condition, Duration limit);
  void run_for(Duration time);
  // Calls `run` after that time, as a part of the world.
  void schedule(Duration after, std::function<void()> run);

  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  [[nodiscard]] bool running(std::size_t index) const { return nodes_[index]->node != nullptr; }
  [[nodiscard]] bool is_peer(std::size_t index) const { return nodes_[index]->role == node::Role::peer; }
  // Counts the starts and ends of a node: while it is the same, the node is the same object.
  [[nodiscard]] std::uint64_t life(std::size_t index) const { return nodes_[index]->generation; }
  [[nodiscard]] NodeId id(std::size_t index) const { return nodes_[index]->credential->node_id; }
  [[nodiscard]] node::Node& node(std::size_t index) { return *nodes_[index]->node; }
  [[nodiscard]] overlay::OverlayPort& overlay(std::size_t index) { return *nodes_[index]->port; }
  [[nodiscard]] storage::MemoryStore& store(std::size_t index) { return *nodes_[index]->store; }
  [[nodiscard]] Network& network() { return network_; }
  [[nodiscard]] Prng& rng() { return rng_; }
  [[nodiscard]] Now now_of(std::size_t index) const;
  [[nodiscard]] Mono now() const { return now_; }
  [[nodiscard]] const config::OverlayConfig& config() const { return *config_; }
  // A user's credential that this node hosts; returns the user name.
  std::string add_user(std::size_t index, const std::string& name);
  // The same credential at a second node, so that both may write the same value.
  void share_user(std::size_t from, const std::string& user, std::size_t to);
  // The observer outlives the world's last step.
  void watch(Observer& observer) { observers_.push_back(&observer); }

  // Over everything that happened: the same seed and calls give the same digest.
  [[nodiscard]] std::uint64_t digest() const { return digest_; }
  [[nodiscard]] std::uint64_t steps() const { return steps_; }
  [[nodiscard]] std::uint64_t messages() const { return messages_; }

 private:
  // One end of a link; `peer`, in its life `peer_life`, and `peer_link` are the other end.
  struct End {
    std::size_t peer = 0;
    std::uint64_t peer_life = 0;
    LinkId peer_link;
    bool stream = true;
    Mono last_arrival;  // a stream keeps its order
  };
  struct SimNode {
    std::size_t index = 0;
    node::Role role = node::Role::peer;
    security::CredentialPtr credential;
    std::vector<security::CredentialPtr> users;
    wire::IpAddressPort address;
    Duration clock_offset{};
    std::uint64_t generation = 0;  // counts starts and ends: events of an earlier life are dropped
    std::unique_ptr<Prng> rng;
    std::unique_ptr<storage::MemoryStore> store;
    std::unique_ptr<node::Node> node;
    std::unique_ptr<overlay::OverlayPort> port;
    FlatMap<LinkId, End> ends;
    std::optional<Mono> wake_at;
  };
  // What is to happen. The two frequent things need no function object.
  struct Arrive {
    std::size_t to;
    std::uint64_t life;
    LinkId link;
    SharedBytes bytes;
  };
  struct Wake {
    std::size_t index;
    std::uint64_t life;
  };
  using Action = std::variant<Arrive, Wake, std::function<void()>>;
  struct Event {
    Mono at;
    std::uint64_t order = 0;
    std::size_t slot = 0;  // of actions_
    bool operator<(const Event& other) const { return std::tie(at, order) > std::tie(other.at, other.order); }
  };

  void push(Mono at, Action action);
  void step();
  void run(Arrive& arrival);
  void run(Wake& wake);
  void input(std::size_t index, node::Input input);
  void drain(std::size_t index);
  void execute(std::size_t index, node::Output& output);
  void open(std::size_t from, const node::OpenLink& order);
  void send(std::size_t from, const node::SendOnLink& order);
  void close(std::size_t from, LinkId link, const std::string& reason);
  node::LinkUp link_up(LinkId link, std::size_t peer, bool inbound,
                       const std::optional<ApplicationId>& application) const;
  void arm(std::size_t index);
  void note(std::uint64_t value);
  void note(ByteView bytes);
  [[nodiscard]] std::vector<wire::IpAddressPort> bootstrap_of(std::size_t index) const;

  WorldOptions options_;
  Prng rng_;
  Network network_;
  std::unique_ptr<security::Crypto> crypto_;
  config::ConfigPtr config_;
  std::vector<std::unique_ptr<SimNode>> nodes_;
  std::map<wire::IpAddressPort, std::size_t> by_address_;
  std::vector<Observer*> observers_;
  std::vector<Event> events_;  // a heap
  std::vector<Action> actions_;
  std::vector<std::size_t> free_slots_;
  Mono now_;
  std::uint64_t next_order_ = 0;
  std::uint64_t digest_ = 0xcbf29ce484222325;
  std::uint64_t steps_ = 0;
  std::uint64_t messages_ = 0;
};

}  // namespace reload::sim
