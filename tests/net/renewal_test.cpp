// Credentials are renewed in a running ring on real sockets: no link ends, and what is asked meanwhile is answered.
#include <doctest/doctest.h>

#include <algorithm>

#include "reload/io/system_clock.hpp"
#include "tests/net/real_peer.hpp"

using namespace reload;
using namespace reload::net;

namespace {

struct Ring {
  kit::Fixture overlay{"net.example"};
  config::ConfigPtr config = overlay.config_ptr();
  Loop loop;
  std::vector<std::unique_ptr<RealPeer>> peers;

  explicit Ring(std::uint8_t size) {
    for (std::uint8_t i = 0; i < size; ++i) start(i);
    REQUIRE(loop.run_until([&] { return std::ranges::all_of(peers, [](const auto& peer) { return peer->ready(); }); }));
  }
  ~Ring() { peers.clear(); }

  [[nodiscard]] security::CredentialPtr credential(std::uint8_t i) const {
    return overlay.issue(nth_id(i), "node" + std::to_string(i) + "@net.example");
  }
  void start(std::uint8_t i) {
    PeerSetup setup{config, credential(i), i == 0, {}, {}, 2};
    if (i > 0) setup.bootstrap = {peers.front()->address()};
    peers.push_back(std::make_unique<RealPeer>(loop, setup));
    REQUIRE(loop.run_until([&] { return peers.back()->ready(); }));
  }
  bool renew(std::uint8_t i) {
    const auto fresh = credential(i);
    return peers[i]->renew(fresh).has_value() && peers[i]->node().credentials().node() == fresh;
  }
  [[nodiscard]] std::vector<std::size_t> link_counts() const {
    std::vector<std::size_t> counts;
    for (const auto& peer : peers) counts.push_back(peer->node().status(io::system_now()).links.size());
    return counts;
  }
};

}  // namespace

TEST_CASE("all peers of a ring renew under way, several times: no link is lost and every request is answered") {
  Ring ring(4);
  // What the forming of the ring has doubled is closed within some seconds; wait until nothing ends any more.
  auto before = ring.link_counts();
  std::vector<std::size_t> ends;
  for (int calm = 0; calm < 3;) {
    const Mono until = io::system_now().mono + 2s;
    ring.loop.run_until([&] { return io::system_now().mono > until; });
    calm = ring.link_counts() == before ? calm + 1 : 0;
    before = ring.link_counts();
  }
  for (const auto& peer : ring.peers) ends.push_back(peer->ends().size());

  std::size_t asked = 0;
  std::size_t answered = 0;
  for (int round = 0; round < 3; ++round)
    for (std::uint8_t i = 0; i < 4; ++i) {
      // Requests both ways are under way while each renews.
      for (std::uint8_t from = 0; from < 4; ++from)
        for (std::uint8_t to = 0; to < 4; ++to) {
          if (from == to) continue;
          ++asked;
          ring.peers[from]->overlay().ping({ring.peers[to]->id()}, [&](const auto& outcome) {
            REQUIRE(outcome);
            ++answered;
          });
        }
      REQUIRE(ring.renew(i));
    }
  CHECK(ring.loop.run_until([&] { return answered == asked; }));
  CHECK(ring.link_counts() == before);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK_MESSAGE(ring.peers[i]->ends().size() == ends[i], ring.peers[i]->why());
    CHECK(ring.peers[i]->ready());
    CHECK(ring.peers[i]->count(Counter::signers_unknown) == 0);
    CHECK(ring.peers[i]->count(Counter::signatures_bad) == 0);
  }

  // New links are made with the new certificates: a peer that comes now links to all of them.
  ring.start(4);
  REQUIRE(ring.loop.run_until([&] { return ring.link_counts()[4] >= 4; }));
  std::size_t done = 0;
  for (std::uint8_t to = 0; to < 4; ++to)
    ring.peers[4]->overlay().ping({ring.peers[to]->id()}, [&](const auto& outcome) { done += outcome ? 1U : 0U; });
  CHECK(ring.loop.run_until([&] { return done == 4; }));
}

TEST_CASE("an old certificate that has expired since costs no link, and new links show the new one") {
  Ring ring(2);
  auto spec = ring.overlay.spec({nth_id(2)}, "node2@net.example");
  spec.to = from_unix_seconds(to_unix_seconds(io::system_now().wall) + 4);
  PeerSetup setup{ring.config, ring.overlay.issue(spec), false, {ring.peers[0]->address()}, {}, 0};
  ring.peers.push_back(std::make_unique<RealPeer>(ring.loop, setup));
  REQUIRE(ring.loop.run_until([&] { return ring.peers[2]->ready(); }));
  REQUIRE(ring.renew(2));
  REQUIRE(ring.loop.run_until([&] { return io::system_now().wall > spec.to + 1s; }));
  const auto refused = ring.peers[0]->count(Counter::links_refused) + ring.peers[1]->count(Counter::links_refused);
  std::size_t done = 0;
  for (const std::size_t to : {0u, 1u})
    ring.peers[2]->overlay().ping({ring.peers[to]->id()}, [&](const auto& outcome) { done += outcome ? 1U : 0U; });
  CHECK(ring.loop.run_until([&] { return done == 2; }));
  setup.credential = ring.credential(3);
  setup.bootstrap = {ring.peers[2]->address()};  // the renewed one is its way in
  RealPeer newcomer(ring.loop, setup);
  CHECK(ring.loop.run_until([&] { return newcomer.ready(); }));
  CHECK(ring.peers[0]->count(Counter::links_refused) + ring.peers[1]->count(Counter::links_refused) == refused);
  CHECK(newcomer.count(Counter::links_refused) == 0);
}

TEST_CASE("a credential of another node is refused, and the old one stays in force") {
  Ring ring(1);
  const auto old = ring.peers[0]->node().credentials().node();
  const auto refused = ring.peers[0]->renew(ring.credential(1));
  REQUIRE_FALSE(refused);
  CHECK(ring.peers[0]->node().credentials().node() == old);
}
