// Rings of real peers: TLS, sockets, threads for signatures, values on disk.
#include <doctest/doctest.h>

#include "reload/io/system_clock.hpp"
#include "tests/kit/temporary_directory.hpp"
#include "tests/net/real_peer.hpp"

using namespace reload;
using namespace reload::net;

namespace {

const std::string kUser = "alice@net.example";

struct Ring {
  kit::Fixture overlay{"net.example"};
  config::ConfigPtr config = overlay.config_ptr();
  kit::TemporaryDirectory directory;
  security::CredentialPtr alice = overlay.issue(kit::node_number(77), kUser);
  Loop loop;
  std::vector<security::CredentialPtr> credentials;
  std::vector<std::unique_ptr<RealPeer>> peers;

  explicit Ring(std::uint8_t size) {
    for (std::uint8_t i = 0; i < size; ++i) {
      credentials.push_back(overlay.issue(nth_id(i), "node" + std::to_string(i) + "@net.example"));
      peers.push_back(nullptr);
      start(i);
      REQUIRE(loop.run_until([&] { return peers[i]->ready(); }));
    }
    REQUIRE(loop.run_until([&] { return closed(); }));
  }
  ~Ring() { peers.clear(); }

  void start(std::size_t i) {
    PeerSetup setup{config, credentials[i], i == 0, {}, directory / std::to_string(i), 2};
    for (std::size_t other = 0; other < peers.size(); ++other)
      if (other != i && peers[other]) setup.bootstrap.push_back(peers[other]->address());
    peers[i] = std::make_unique<RealPeer>(loop, setup);
  }
  // Whether each peer's successor is the next one.
  bool closed() {
    for (std::size_t i = 0; i < peers.size(); ++i) {
      const auto successors = peers[i]->node().status(io::system_now()).topology.successors;
      const NodeId next = peers[(i + 1) % peers.size()]->id();
      if (peers.size() > 1 && (successors.empty() || successors.front() != next)) return false;
    }
    return true;
  }
};

}  // namespace

TEST_CASE("two peers form a ring over TLS, and what is stored at one is found at both") {
  Ring ring(2);
  ring.peers[0]->node().add_user(ring.alice);
  REQUIRE(store(ring.loop, *ring.peers[0], kUser, "at peer 0"));
  for (auto& peer : ring.peers) CHECK(fetch(ring.loop, *peer, kUser) == "at peer 0");
  for (auto& peer : ring.peers) {
    CHECK(peer->count(Counter::signatures_made) > 0);
    CHECK(peer->count(Counter::signatures_checked) > 0);
    CHECK(peer->count(Counter::signatures_bad) == 0);
    CHECK(peer->count(Counter::links_refused) == 0);
  }
}

TEST_CASE("three peers with signatures on threads: each value is held three times and found everywhere") {
  Ring ring(3);
  constexpr int kUsers = 20;
  for (int i = 0; i < kUsers; ++i) {
    const std::string user = "user" + std::to_string(i) + "@net.example";
    RealPeer& at = *ring.peers[static_cast<std::size_t>(i) % 3];
    at.node().add_user(ring.overlay.issue(kit::node_number(100 + static_cast<std::uint64_t>(i)), user));
    REQUIRE(store(ring.loop, at, user, "value of " + user));
  }
  for (int i = 0; i < kUsers; ++i)
    for (auto& peer : ring.peers) {
      const std::string user = "user" + std::to_string(i) + "@net.example";
      CHECK(fetch(ring.loop, *peer, user) == "value of " + user);
    }
  for (auto& peer : ring.peers)
    CHECK(ring.loop.run_until([&] { return peer->store().value_count() == static_cast<std::size_t>(kUsers); }));
}

TEST_CASE("a peer that is killed comes back with its values, and serves them when the others are gone") {
  Ring ring(3);
  ring.peers[1]->node().add_user(ring.alice);
  REQUIRE(store(ring.loop, *ring.peers[1], kUser, "before the end"));
  REQUIRE(ring.loop.run_until([&] { return ring.peers[2]->store().value_count() == 1; }));
  ring.peers[2].reset();
  ring.start(2);
  CHECK(ring.peers[2]->store().value_count() == 1);
  REQUIRE(ring.loop.run_until([&] { return ring.peers[2]->ready(); }));
  CHECK(fetch(ring.loop, *ring.peers[2], kUser) == "before the end");

  for (auto& peer : ring.peers) peer.reset();
  ring.peers.resize(1);
  ring.start(0);
  REQUIRE(ring.loop.run_until([&] { return ring.peers[0]->ready(); }));
  CHECK(fetch(ring.loop, *ring.peers[0], kUser) == "before the end");
}

TEST_CASE("a peer that leaves hands its values over, and the ring closes behind it") {
  Ring ring(3);
  ring.peers[0]->node().add_user(ring.alice);
  REQUIRE(store(ring.loop, *ring.peers[0], kUser, "stays"));
  ring.peers[1]->leave();
  REQUIRE(ring.loop.run_until([&] { return ring.peers[1]->left(); }));
  ring.peers.erase(ring.peers.begin() + 1);
  CHECK(ring.loop.run_until([&] { return ring.closed(); }));
  for (auto& peer : ring.peers) CHECK(fetch(ring.loop, *peer, kUser) == "stays");
}
