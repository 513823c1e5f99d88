#include "certs/token_buckets.hpp"

#include <doctest/doctest.h>

using namespace reload;
using namespace reload::certs;

namespace {
Mono at(std::int64_t seconds) { return Mono(std::chrono::seconds(1000 + seconds)); }
}  // namespace

TEST_CASE("an IPv4 address counts by itself, one of IPv6 with its /64") {
  CHECK(network_of("192.0.2.1") == "192.0.2.1");
  CHECK(network_of("::ffff:192.0.2.1") == "192.0.2.1");
  CHECK(network_of("2001:db8::1") == network_of("2001:db8:0:0:ffff::2"));
  CHECK(network_of("2001:db8::1") != network_of("2001:db8:0:1::1"));
}

TEST_CASE("a bucket gives its burst, then as much as time fills in, each key by itself") {
  TokenBuckets buckets(3, 0.5);
  for (int i = 0; i < 3; ++i) CHECK_FALSE(buckets.take("a", at(0)));
  CHECK(buckets.take("a", at(0)) == 2s);
  CHECK_FALSE(buckets.take("b", at(0)));
  CHECK(buckets.take("a", at(1)) == 1s);
  CHECK_FALSE(buckets.take("a", at(2)));
  CHECK(buckets.take("a", at(2)));
  for (int i = 0; i < 3; ++i) CHECK_FALSE(buckets.take("a", at(1000)));
  CHECK(buckets.take("a", at(1000)));
}

TEST_CASE("a charge takes also what is not there, and is waited for") {
  TokenBuckets buckets(1, 1);
  CHECK_FALSE(buckets.wait("a", at(0)));
  for (int i = 0; i < 3; ++i) buckets.charge("a", at(0));
  CHECK(buckets.wait("a", at(0)) == 3s);
  CHECK_FALSE(buckets.wait("a", at(3)));
}

TEST_CASE("a clock that goes back fills nothing and breaks nothing") {
  TokenBuckets buckets(1, 1);
  CHECK_FALSE(buckets.take("a", at(10)));
  CHECK(buckets.take("a", at(0)));
  CHECK_FALSE(buckets.take("a", at(11)));
}

TEST_CASE("the table has a bound: the key not used for longest makes way") {
  TokenBuckets buckets(1, 0.001, 3);
  for (const char* key : {"a", "b", "c"}) CHECK_FALSE(buckets.take(key, at(0)));
  CHECK(buckets.take("a", at(1)));
  CHECK_FALSE(buckets.take("d", at(1)));  // in the place of b
  CHECK(buckets.size() == 3);
  CHECK(buckets.take("a", at(1)));
  CHECK(buckets.take("c", at(1)));
  CHECK_FALSE(buckets.take("b", at(1)));
  CHECK(buckets.size() == 3);
}
