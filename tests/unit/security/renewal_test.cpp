#include "reload/security/renewal.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "reload/base/limits.hpp"
#include "reload/base/prng.hpp"
#include "tests/kit/fixtures.hpp"

using namespace reload;
using namespace reload::security;

namespace {

constexpr Wall kFrom = from_unix_seconds(1800000000);
constexpr CredentialLife kWeek{kFrom, kFrom + 168h};

}  // namespace

TEST_CASE("a credential is renewed between two and three quarters of its life, at times that differ") {
  Prng rng(1);
  Wall first = kWeek.until;
  Wall last = kWeek.from;
  for (int i = 0; i < 1000; ++i) {
    const Wall time = renewal_time(kWeek, rng);
    first = std::min(first, time);
    last = std::max(last, time);
  }
  CHECK(first >= kFrom + 112h);
  CHECK(first < kFrom + 113h);
  CHECK(last <= kFrom + 126h);
  CHECK(last > kFrom + 125h);
}

TEST_CASE("what has no life to speak of is renewed at once") {
  Prng rng(1);
  CHECK(renewal_time({kFrom, kFrom}, rng) == kFrom);
  CHECK(renewal_time({kFrom, kFrom - 1h}, rng) == kFrom);
}

TEST_CASE("the pauses after failures grow up to an hour, and get shorter towards the end") {
  Prng rng(2);
  const Wall at = kFrom + 112h;
  const auto pause = [&](unsigned failures, Wall now) { return renewal_pause(kWeek, failures, {}, now, rng); };
  for (unsigned n = 1; n <= 6; ++n) {
    CHECK(pause(n, at) >= limits::kFirstRenewalPause * (1 << (n - 1)));
    CHECK(pause(n, at) <= limits::kFirstRenewalPause * (1 << (n - 1)) * 5 / 4);
  }
  CHECK(pause(20, at) >= limits::kLastRenewalPause);
  CHECK(pause(4'000'000'000u, at) <= limits::kLastRenewalPause * 5 / 4);
  CHECK(pause(20, kWeek.until - 8min) <= 150s);
  CHECK(pause(20, kWeek.until - 1s) == limits::kLeastRenewalPause);
  CHECK(pause(20, kWeek.until + 24h) >= limits::kLastRenewalPause);
  SUBCASE("a life of seconds leaves time for several tries too") {
    const CredentialLife short_life{kFrom, kFrom + 30s};
    CHECK(renewal_pause(short_life, 1, {}, kFrom + 20s, rng) == limits::kLeastRenewalPause);
  }
}

TEST_CASE("a server that asks for patience gets it, within bounds") {
  Prng rng(3);
  CHECK(renewal_pause(kWeek, 1, 600s, kFrom + 112h, rng) == 600s);
  CHECK(renewal_pause(kWeek, 1, 24h, kFrom + 112h, rng) == limits::kLastRenewalPause);
  CHECK(renewal_pause(kWeek, 1, Duration(0), kFrom + 112h, rng) >= limits::kFirstRenewalPause);
}

TEST_CASE("a failed renewal is the more urgent the nearer the end is") {
  CHECK(renewal_urgency(kWeek, kFrom + 112h) == Urgency::low);
  CHECK(renewal_urgency(kWeek, kFrom + 141h) == Urgency::high);
  CHECK(renewal_urgency(kWeek, kWeek.until) == Urgency::expired);
}

TEST_CASE("a credential is of an older root while another is the last of the document") {
  const kit::Fixture overlay("demo.example");
  const kit::Authority next("Next CA");
  const kit::Authority middle("Middle CA", io::KeyType::ecdsa_p256, &next);
  const auto is_older = [&](const CredentialPtr& credential, std::vector<Bytes> roots) {
    config::OverlayConfig config = overlay.config();
    config.root_certs = std::move(roots);
    return is_of_older_root(*credential, *overlay.trust_of(std::move(config)), overlay.crypto());
  };
  const Bytes first = to_bytes(overlay.authority().der());
  const Bytes second = to_bytes(next.der());
  const auto spec = overlay.spec({kit::node_number(1)}, "alice@demo.example");
  const auto of_first = overlay.issue(spec);
  CHECK_FALSE(is_older(of_first, {first}));
  CHECK(is_older(of_first, {first, second}));
  CHECK_FALSE(is_older(next.issue(spec), {first, second}));
  CHECK_FALSE(is_older(middle.issue(spec, {middle.certificate()}), {first, second}));
}
