// From a name to a document: what is asked for, which server first, which document stays, when to fetch again.
#include "reload/config/discovery.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "reload/base/limits.hpp"
#include "reload/base/prng.hpp"

using namespace reload;
using namespace reload::config;

namespace {

std::vector<std::string> targets(const std::vector<ServiceRecord>& records) {
  std::vector<std::string> names;
  for (const auto& record : records) names.push_back(record.target);
  return names;
}

OverlayConfig with_sequence(std::uint16_t sequence) {
  OverlayConfig config;
  config.sequence = sequence;
  return config;
}

}  // namespace

TEST_CASE("6940-11.2-4: service reload-config over TCP, and the well-known URL of the overlay's name") {
  CHECK(service_name("demo.example") == "_reload-config._tcp.demo.example");
  CHECK(well_known_url("demo.example") == "https://demo.example/.well-known/reload-config");
}

TEST_CASE("servers are tried from the lowest priority up, whatever the order of the answer") {
  Prng rng(1);
  for (int i = 0; i < 50; ++i)
    CHECK(targets(in_order({{20, 9, 1, "c"}, {0, 0, 1, "a"}, {10, 5, 1, "b"}}, rng)) ==
          std::vector<std::string>{"a", "b", "c"});
}

TEST_CASE("among servers of one priority each comes first as often as its weight says") {
  Prng rng(2);
  std::map<std::string, int> first;
  for (int i = 0; i < 4000; ++i) {
    const auto order = in_order({{1, 10, 1, "ten"}, {1, 30, 1, "thirty"}, {1, 0, 1, "none"}}, rng);
    REQUIRE(order.size() == 3);
    auto names = targets(order);
    std::ranges::sort(names);
    CHECK(names == std::vector<std::string>{"none", "ten", "thirty"});
    ++first[order.front().target];
  }
  // RFC 2782: 1, 10 and 30 chances of 41.
  CHECK(first["none"] > 40);
  CHECK(first["none"] < 180);
  CHECK(first["ten"] > 850);
  CHECK(first["ten"] < 1100);
  CHECK(first["thirty"] > 2750);
}

TEST_CASE("a service record with target . says that there is no service") {
  Prng rng(3);
  CHECK(in_order({{0, 0, 0, "."}}, rng).empty());
  CHECK(in_order({{0, 0, 0, ""}, {1, 0, 443, "a"}}, rng).size() == 1);
  CHECK(in_order({}, rng).empty());
}

TEST_CASE("6940-11.2-10: a fetched document replaces the known one, unless it is older or the same") {
  CHECK(replaces(with_sequence(2), with_sequence(1)));
  CHECK(replaces(with_sequence(0), with_sequence(65534)));
  CHECK_FALSE(replaces(with_sequence(1), with_sequence(1)));
  CHECK_FALSE(replaces(with_sequence(1), with_sequence(2)));
}

TEST_CASE("6940-11.1-10: the next fetch is at a random time before the expiration") {
  Prng rng(4);
  const Wall now = from_unix_seconds(1'800'000'000);
  Duration least = 100h;
  Duration most{};
  for (int i = 0; i < 1000; ++i) {
    const Duration wait = wait_before_fetch(now + 10h, now, false, rng);
    CHECK(wait >= 5h);
    CHECK(wait < 10h);
    least = std::min(least, wait);
    most = std::max(most, wait);
  }
  CHECK(least < 5h + 10min);
  CHECK(most > 10h - 10min);
}

TEST_CASE("a fetch that brought nothing new is not repeated at once, before and after the expiration") {
  Prng rng(5);
  const Wall now = from_unix_seconds(1'800'000'000);
  for (const Duration left : {Duration(1s), Duration(0s), Duration(-100h)}) {
    for (int i = 0; i < 100; ++i) {
      const Duration wait = wait_before_fetch(now + left, now, true, rng);
      CHECK(wait >= limits::kConfigFetchPause);
      CHECK(wait < 2 * limits::kConfigFetchPause);
    }
  }
  CHECK(wait_before_fetch(now + 10h, now, true, rng) >= 5h);
  CHECK(wait_before_fetch(now - 1h, now, false, rng) == Duration::zero());
}
