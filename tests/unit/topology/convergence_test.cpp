// Whole rings: whatever happens, they become exact again by reactive Updates alone, within seconds.
#include <doctest/doctest.h>

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
      MESSAGE("peers " << count << " took ms " << took / 1ms << " messages " << bed.sent.size() << " attaches "
                       << bed.asked.size());
      CHECK(took < 5s);
      bed.run(10s);
      CHECK(bed.fault() == "");
      bed.sent.clear();
      bed.asked.clear();
      bed.run(20s);
      CHECK(bed.sent.size() <= count);
      CHECK(bed.asked.empty());
    }
  }
}
