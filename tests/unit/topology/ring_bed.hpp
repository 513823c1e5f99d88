// Many topology plug-ins on an ideal network with virtual time: the bed carries out their effects as a node would, hop
// by hop over the links they asked for. Messages take a few milliseconds and are lost only with the nodes they pass.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <set>

#include "reload/base/prng.hpp"
#include "reload/base/ring.hpp"
#include "reload/topology/chord.hpp"
#include "reload/topology/client.hpp"

namespace reload::topology::test {

// The topology needs no cryptography.
class NoCrypto final : public security::Crypto {
 public:
  [[nodiscard]] Bytes hash(wire::HashAlgorithm, std::initializer_list<ByteView>) const override { return {}; }
  [[nodiscard]] Result<Bytes> sign(const security::PrivateKey&, ByteView) const override { return failure("none"); }
  [[nodiscard]] bool verify(const security::PublicKey&, wire::HashAlgorithm, wire::SignatureAlgorithm, ByteView,
                            ByteView) const override {
    return false;
  }
  [[nodiscard]] Result<security::CertificatePtr> parse_certificate(ByteView, std::size_t) const override {
    return failure("none");
  }
  [[nodiscard]] bool is_issued_by(const security::Certificate&, const security::Certificate&) const override {
    return false;
  }
};

class RingBed {
 public:
  explicit RingBed(std::uint64_t seed);

  // A node that is not started. A Chord peer, or a client.
  std::size_t add(const NodeId& id, bool client = false);
  std::size_t add() { return add(random_id()); }
  [[nodiscard]] NodeId random_id();
  void start_first(std::size_t node);
  // Links to `bootstrap`, and again to any live joined node when it is idle.
  void start_join(std::size_t node, std::size_t bootstrap);
  // The process ends some seconds later.
  void leave(std::size_t node);
  // The process is gone; every other end of its links sees that.
  void crash(std::size_t node);
  // After a crash: the same Node-ID, nothing remembered.
  void restart(std::size_t node);
  void link(std::size_t a, std::size_t b);
  void unlink(std::size_t a, std::size_t b);
  // A peer opens a link to a bootstrap node for the partition check.
  void check_partition(std::size_t node, std::size_t bootstrap);
  void run(Duration time);
  // Until `done` or for `limit`; how long it took.
  Duration run_until(const std::function<bool()>& done, Duration limit);

  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  [[nodiscard]] topology::Topology& chord(std::size_t node) { return *nodes_[node]->topology; }
  [[nodiscard]] const NodeId& id(std::size_t node) const { return nodes_[node]->id; }
  [[nodiscard]] bool alive(std::size_t node) const { return nodes_[node]->alive; }
  [[nodiscard]] bool linked(std::size_t a, std::size_t b) const { return nodes_[a]->links.contains(id(b)); }
  [[nodiscard]] std::size_t index(const NodeId& node) const { return by_id_.at(node); }
  [[nodiscard]] std::vector<std::size_t> living() const;

  // Empty when the ring is exact: every live peer joined, each list the truth, each point with one peer in charge that
  // every peer reaches in a bounded number of hops. Else what is wrong.
  [[nodiscard]] std::string fault(bool hops = true);
  [[nodiscard]] bool exact() { return fault(false).empty(); }
  // How many hops from a peer to whoever is in charge; nothing if it gets lost.
  [[nodiscard]] std::optional<std::size_t> lookup(std::size_t from, const ResourceId& resource);

  struct Sent {
    std::size_t from;
    messaging::SendRequest request;
    Mono at;
  };
  struct Asked {
    std::size_t from;
    messaging::WantLink want;
    Mono at;
  };
  // What was sent since the last clear.
  std::vector<Sent> sent;
  std::vector<Asked> asked;
  std::vector<std::pair<std::size_t, messaging::HandOver>> hand_overs;
  std::vector<std::pair<std::size_t, NodeId>> failures_told;
  std::size_t range_changes = 0;
  std::size_t longest_path = 0;
  std::function<bool(std::size_t from, std::size_t to)> reachable;  // an Attach between them succeeds
  bool hand_over_stalls = false;
  config::OverlayConfig config;
  Counters counters;
  Mono now{1h};

 private:
  struct Node {
    NodeId id;
    bool client = false;
    bool alive = false;
    unsigned life = 0;
    std::unique_ptr<topology::Topology> topology;
    std::set<NodeId> links;
    std::optional<std::size_t> bootstrap;
    Prng rng{1};
    messaging::Effects effects;
    std::optional<Mono> tick;
    std::map<std::uint64_t, std::pair<std::size_t, unsigned>> answers_to;  // request id: flight, life of the asker
    std::set<std::uint64_t> delivered;
  };
  struct Flight {
    std::size_t origin;
    unsigned life;
    std::optional<messaging::SendRequest> request;
    std::optional<messaging::WantLink> want;
    bool done = false;
    unsigned tries = 0;
  };
  struct Event {
    Mono at;
    std::uint64_t order;
    std::function<void()> what;
    bool operator<(const Event& other) const { return std::tie(at, order) > std::tie(other.at, other.order); }
  };

  void after(Duration delay, std::function<void()> what);
  void act(std::size_t node, const std::function<void(messaging::Context&)>& what);
  void carry_out(std::size_t node);
  void launch(std::size_t flight);
  void hop(std::size_t flight, std::size_t at, std::optional<NodeId> from, wire::DestinationList to, unsigned hops);
  void deliver(std::size_t flight, std::size_t at, std::optional<NodeId> from, unsigned hops);
  void answer(std::size_t flight, std::size_t from, messaging::AnswerStatus status, Bytes body, wire::ErrorCode error);
  void attached(std::size_t flight, Result<NodeId> node);
  void find_bootstrap(std::size_t node);

  Prng rng_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::map<NodeId, std::size_t> by_id_;
  std::deque<Flight> flights_;
  std::priority_queue<Event> events_;
  std::uint64_t order_ = 0;
  security::CertificatePtr certificate_ = std::make_shared<security::Certificate>();
  NoCrypto crypto_;
};

}  // namespace reload::topology::test
