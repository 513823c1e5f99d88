#include "reload/base/ring.hpp"

#include <doctest/doctest.h>

#include "reload/base/prng.hpp"

using namespace reload;

TEST_CASE("distance and intervals wrap around the ring") {
  using namespace ring;
  const Point max = ~Point{0};
  CHECK(distance(5, 3) == max - 1);
  CHECK(in_open_closed(1, max, 5));
  CHECK(in_open_closed(5, max, 5));
  CHECK_FALSE(in_open_closed(max, max, 5));
  CHECK(in_open_closed(7, 7, 7));
  CHECK(power_of_two(127) + power_of_two(127) == 0);
}

TEST_CASE("a point and its 16 bytes are the same number") {
  Prng rng(1);
  for (int i = 0; i < 100; ++i) {
    Bytes bytes(16);
    rng.fill(bytes);
    CHECK(ring::to_node(ring::to_point(bytes)) == NodeId(bytes));
  }
}

TEST_CASE("node ids compare as unsigned numbers and have 16 to 20 bytes") {
  CHECK(*NodeId::parse_hex("00000000000000000000000000000001") < NodeId::wildcard());
  CHECK(NodeId::wildcard().is_wildcard());
  CHECK(NodeId().is_zero());
  CHECK_FALSE(NodeId::from_bytes(Bytes(15)));
  CHECK(NodeId::from_bytes(Bytes(20)));
  CHECK_FALSE(NodeId::from_bytes(Bytes(21)));
}

TEST_CASE("the seeded generator repeats itself and stays below its bound") {
  Prng a(42), b(42), c(43);
  CHECK(a.next() == b.next());
  CHECK(a.next() != c.next());
  for (int i = 0; i < 1000; ++i) CHECK(a.below(7) < 7);
  CHECK(a.below(0) == 0);
}
