// Whole rings: whatever happens, they become exact again by reactive Updates alone, within seconds.
#include <doctest/doctest.h>

#include <bit>

#include "tests/unit/topology/ring_bed.hpp"

using namespace reload;
using namespace reload::topology;
using reload::topology::test::RingBed;

namespace {

// `count` peers that start in the same instant, all through the first.
Duration start_together(RingBed& bed, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) bed.add();
  bed.start_first(0);
  for (std::size_t i = 1; i < count; ++i) bed.start_join(i, 0);
  return bed.run_until([&] { return bed.exact(); }, 60s);
}

}  // namespace

TEST_CASE("peers that join together form an exact ring in seconds") {
  for (const std::size_t count : {1u, 2u, 3u, 4u, 5u, 8u, 16u, 30u, 60u}) {
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      CAPTURE(count);
      CAPTURE(seed);
      RingBed bed(seed * 1000 + count);
      const Duration took = start_together(bed, count);
      CHECK(took < 5s);
      bed.run(10s);
      CHECK(bed.fault() == "");
      // Some 15 links and 100 messages a peer, signatures and checks of which cost a few ms.
      CHECK(bed.sent.size() <= 120 * count);
      CHECK(bed.asked.size() <= 25 * count);
      bed.sent.clear();
      bed.asked.clear();
      bed.run(20s);  // and then it is quiet, but for Pings to the nearest two
      CHECK(bed.sent.size() <= 4 * count);
      CHECK(bed.asked.empty());
    }
  }
}

TEST_CASE("200 peers that join together") {
  RingBed bed(7);
  CHECK(start_together(bed, 200) < 5s);
  bed.run(10s);
  CHECK(bed.fault() == "");
  CHECK(bed.sent.size() <= 200 * 200);
}

TEST_CASE("6940-13.6.5-1: no path is longer than log2 of the number of peers and 5, and initial-ttl begins far above") {
  for (const std::size_t count : {8u, 64u, 256u}) {
    CAPTURE(count);
    RingBed bed(count);
    start_together(bed, count);
    bed.run(30s);
    std::size_t longest = 0;
    for (std::size_t from = 0; from < count; ++from) {
      for (int i = 0; i < 20; ++i) {
        const auto path = bed.lookup(from, ring::to_resource(ring::to_point(bed.random_id().view())));
        REQUIRE(path);
        longest = std::max(longest, *path);
      }
    }
    const auto bound = static_cast<std::size_t>(std::countr_zero(count)) + 5;  // `count` is a power of two
    CHECK(longest <= bound);
    CHECK(bed.config.initial_ttl > bound);
  }
}

TEST_CASE("peers that join one after the other, through any other") {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    CAPTURE(seed);
    RingBed bed(seed);
    Prng rng(seed);
    bed.start_first(bed.add());
    for (std::size_t i = 1; i < 40; ++i) {
      bed.start_join(bed.add(), rng.below(i));
      CHECK(bed.run_until([&] { return bed.exact(); }, 30s) < 3s);
    }
    bed.run(5s);
    CHECK(bed.fault() == "");
    CHECK(bed.failures_told.empty());
  }
}

TEST_CASE("joins through bootstrap nodes that are joining themselves") {
  RingBed bed(3);
  for (int i = 0; i < 12; ++i) bed.add();
  for (std::size_t i = 1; i < 12; ++i) bed.start_join(i, i - 1);
  bed.run(1s);
  bed.start_first(0);
  CHECK(bed.run_until([&] { return bed.exact(); }, 120s) < 60s);
}

TEST_CASE("a tenth of the peers crashes at once") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    CAPTURE(seed);
    RingBed bed(seed);
    Prng rng(seed);
    start_together(bed, 40);
    bed.run(10s);
    for (int i = 0; i < 4; ++i) {
      const std::size_t victim = rng.below(40);
      if (bed.alive(victim)) bed.crash(victim);
    }
    bed.sent.clear();
    CHECK(bed.run_until([&] { return bed.exact(); }, 100s) < 10s);
    bed.run(30s);
    CHECK(bed.fault() == "");
    CHECK(bed.sent.size() <= 40 * 60);
  }
}

TEST_CASE("two neighbours crash at once: the third of three takes over") {
  for (const std::size_t count : {3u, 4u, 5u, 7u, 12u, 30u}) {
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      CAPTURE(count);
      CAPTURE(seed);
      RingBed bed(seed + count);
      start_together(bed, count);
      bed.run(5s);
      const std::vector<std::size_t> ring = bed.living();
      bed.crash(ring[1]);
      bed.crash(ring[2]);
      CHECK(bed.run_until([&] { return bed.exact(); }, 100s) < 5s);
      bed.run(60s);
      CHECK(bed.fault() == "");
    }
  }
}

TEST_CASE("the first peer crashes while others join through it") {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    CAPTURE(seed);
    RingBed bed(seed);
    start_together(bed, 10);
    for (int i = 0; i < 10; ++i) bed.start_join(bed.add(), 0);
    bed.run(Duration(40ms) * static_cast<int>(seed));
    bed.crash(0);
    CHECK(bed.run_until([&] { return bed.exact(); }, 100s) < 60s);
  }
}

TEST_CASE("joining peers crash at every moment of their join") {
  for (int ms = 0; ms < 300; ms += 10) {
    CAPTURE(ms);
    RingBed bed(static_cast<std::uint64_t>(ms + 1));
    start_together(bed, 6);
    bed.run(5s);
    bed.start_join(bed.add(), 1);
    bed.start_join(bed.add(), 2);
    bed.run(Duration(1ms) * ms);
    bed.crash(6);
    CHECK(bed.run_until([&] { return bed.exact(); }, 100s) < 30s);
    bed.run(30s);
    CHECK(bed.fault() == "");
  }
}

TEST_CASE("a peer that crashed comes back with its Node-ID") {
  for (const Duration pause : {Duration(0), Duration(5ms), Duration(1s), Duration(20s)}) {
    CAPTURE(pause / 1ms);
    RingBed bed(5);
    start_together(bed, 12);
    bed.run(5s);
    bed.crash(4);
    bed.run(pause);
    bed.restart(4);
    bed.start_join(4, 0);
    CHECK(bed.run_until([&] { return bed.exact(); }, 100s) < 15s);
    bed.run(30s);
    CHECK(bed.fault() == "");
  }
}

TEST_CASE("peers leave one after the other until one is left") {
  RingBed bed(6);
  start_together(bed, 10);
  bed.run(5s);
  for (std::size_t i = 0; i < 9; ++i) {
    bed.leave(i);
    CHECK(bed.run_until([&] { return bed.exact(); }, 100s) < 5s);
    CHECK(bed.chord(i).status_state() == JoinState::left);
    bed.crash(i);
    bed.run(5s);
    CHECK(bed.fault() == "");
  }
  CHECK(bed.failures_told.empty());
}

TEST_CASE("all links of a live peer break: it and its neighbours find each other again") {
  RingBed bed(8);
  start_together(bed, 8);
  bed.run(5s);
  const std::vector<std::size_t> ring = bed.living();
  bed.unlink(ring[3], ring[4]);
  CHECK(bed.run_until([&] { return bed.exact() && bed.linked(ring[3], ring[4]); }, 100s) < 10s);
  bed.run(30s);
  CHECK(bed.fault() == "");
}

TEST_CASE("two rings become one after one peer's partition check") {
  for (const std::size_t count : {1u, 2u, 3u, 8u, 20u}) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      CAPTURE(count);
      CAPTURE(seed);
      RingBed bed(seed + 50);
      start_together(bed, 12);
      const std::size_t other = bed.add();
      bed.start_first(other);
      for (std::size_t i = 1; i < count; ++i) bed.start_join(bed.add(), other);
      bed.run(10s);
      CHECK(!bed.exact());
      bed.check_partition(3, other);
      CHECK(bed.run_until([&] { return bed.exact(); }, 100s) < 30s);
      bed.run(30s);
      CHECK(bed.fault() == "");
    }
  }
}

TEST_CASE("an Attach that fails does not hold up a join") {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    CAPTURE(seed);
    RingBed bed(seed);
    start_together(bed, 9);
    bed.run(5s);
    const std::size_t joining = bed.add();
    // It reaches nobody but its bootstrap node and its successor.
    bed.reachable = [&](std::size_t a, std::size_t b) {
      if (a != joining && b != joining) return true;
      const std::vector<std::size_t> ring = bed.living();
      const auto at = static_cast<std::size_t>(std::find(ring.begin(), ring.end(), joining) - ring.begin());
      const std::size_t successor = ring[(at + 1) % ring.size()];
      return a == successor || b == successor;
    };
    bed.start_join(joining, 0);
    CHECK(bed.run_until([&] { return bed.chord(joining).joined(); }, 60s) < 5s);
    bed.run(5s);
    // Only what is its own: the predecessor it cannot reach keeps its range.
    for (std::size_t peer : bed.living()) {
      if (peer != joining) CHECK(!bed.chord(joining).responsible(bed.id(peer)));
    }
  }
}

TEST_CASE("everything at once: joins, crashes, leaves and broken links, then quiet") {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    CAPTURE(seed);
    RingBed bed(seed);
    Prng rng(seed);
    start_together(bed, 15);
    for (int step = 0; step < 60; ++step) {
      const std::size_t peer = rng.below(bed.size());
      switch (rng.below(5)) {
        case 0:
        case 1: {
          const std::vector<std::size_t> living = bed.living();
          bed.start_join(bed.add(), living[rng.below(living.size())]);
          break;
        }
        case 2:
          if (bed.living().size() > 5 && bed.alive(peer)) bed.crash(peer);
          break;
        case 3:
          if (bed.living().size() > 5 && bed.alive(peer)) bed.leave(peer);
          break;
        case 4: {
          const std::size_t other = rng.below(bed.size());
          if (other != peer) bed.unlink(peer, other);
          break;
        }
      }
      bed.run(Duration(1ms) * static_cast<int>(rng.below(400)));
    }
    CHECK(bed.run_until([&] { return bed.exact(); }, 200s) < 60s);
    bed.run(30s);
    CHECK(bed.fault() == "");
  }
}
