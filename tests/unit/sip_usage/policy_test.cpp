// router, fork and rate_limiter: small rules, one file.
#include <doctest/doctest.h>

#include "sip-usage/fork.hpp"
#include "sip-usage/rate_limiter.hpp"
#include "sip-usage/router.hpp"

namespace reload::sip {
namespace {

RequestFacts call() {
  RequestFacts facts;
  facts.target = parse_aor("sip:bob@demo.example");
  facts.target_served = true;
  return facts;
}

TEST_CASE("A caller who claims one of our addresses must prove it; a stranger need not, unless turned away") {
  RequestFacts ours = call();
  ours.from_served = true;
  CHECK(route(ours, {}).action == RouteAction::challenge);
  ours.from_proven = true;
  CHECK(route(ours, {}) == RouteDecision{RouteAction::local_and_overlay});
  ours.from_proven = false;
  ours.credentials_wrong = true;
  CHECK(route(ours, {}).status == 403);

  CHECK(route(call(), {}) == RouteDecision{RouteAction::local_and_overlay, 0, "", true});
  CHECK(route(call(), {.anonymous_calls = false}).status == 403);
}

TEST_CASE("A request from a peer goes to the phones here and never back into the overlay") {
  RequestFacts facts = call();
  facts.from_peer = true;
  facts.from_served = true;
  CHECK(route(facts, {.anonymous_calls = false}) == RouteDecision{RouteAction::local});
}

TEST_CASE("Within a dialog that came through here the Route decides, whoever sends") {
  RequestFacts facts;
  facts.own_route = true;
  CHECK(route(facts, {.anonymous_calls = false}) == RouteDecision{RouteAction::in_dialog});
}

TEST_CASE("What is no address of ours is refused, but an ACK never is") {
  RequestFacts nowhere;
  CHECK(route(nowhere, {}).status == 404);
  RequestFacts foreign = call();
  foreign.target_served = false;
  CHECK(route(foreign, {}).status == 403);
  foreign.ack = nowhere.ack = true;
  CHECK(route(foreign, {}).action == RouteAction::drop);
  CHECK(route(nowhere, {}).action == RouteAction::drop);
  RequestFacts ack = call();
  ack.ack = true;
  ack.from_served = true;
  CHECK(route(ack, {}).action == RouteAction::local_and_overlay);
}

int best_of(const std::vector<int>& statuses) {
  Fork fork;
  for (const int status : statuses) fork.finish(fork.add(), status);
  return fork.best() ? statuses[*fork.best()] : 0;
}

TEST_CASE("RFC 3261 16.7: 6xx wins, then the lowest class, then what helps the caller most") {
  CHECK(best_of({}) == 0);
  CHECK(best_of({404, 603, 302}) == 603);
  CHECK(best_of({503, 404, 302}) == 302);
  CHECK(best_of({500, 486}) == 486);
  CHECK(best_of({408, 486}) == 486);
  CHECK(best_of({480, 486}) == 486);
  CHECK(best_of({486, 407}) == 407);
  CHECK(best_of({408, 480}) == 480);
  CHECK(best_of({486, 488}) == 486);
  CHECK(best_of({503, 500}) == 500);
}

TEST_CASE("A fork is finished when all branches are, and the first final answer of a branch counts") {
  Fork fork;
  const std::size_t a = fork.add();
  const std::size_t b = fork.add();
  fork.finish(a, 486);
  fork.finish(a, 603);
  CHECK_FALSE(fork.all_finished());
  CHECK(fork.pending(b));
  fork.finish(b, 408);
  CHECK(fork.all_finished());
  CHECK(*fork.best() == a);
}

TEST_CASE("A source may burst, then goes on at its rate; one that floods is told to wait, then gets nothing") {
  using Verdict = RateLimiter::Verdict;
  RateLimiter limiter(10, 5, 100);
  Mono now{0s};
  for (int i = 0; i < 5; ++i) CHECK(limiter.take("a", now) == Verdict::pass);
  CHECK(limiter.take("a", now) == Verdict::over);
  CHECK(limiter.take("b", now) == Verdict::pass);
  for (int i = 0; i < 4; ++i) CHECK(limiter.take("a", now) == Verdict::over);
  CHECK(limiter.take("a", now) == Verdict::flood);
  now += 1s;
  CHECK(limiter.take("a", now) == Verdict::pass);
}

TEST_CASE("What was well spent is given back") {
  RateLimiter limiter(1, 1, 100);
  for (int i = 0; i < 10; ++i) {
    CHECK(limiter.take("a", Mono{0s}) == RateLimiter::Verdict::pass);
    limiter.give_back("a");
  }
  limiter.give_back("unknown");
}

TEST_CASE("The table of sources is bounded and forgets the one longest quiet") {
  RateLimiter limiter(1, 1, 2);
  const Mono now{0s};
  CHECK(limiter.take("a", now) == RateLimiter::Verdict::pass);
  CHECK(limiter.take("b", now) == RateLimiter::Verdict::pass);
  CHECK(limiter.take("a", now) == RateLimiter::Verdict::over);
  CHECK(limiter.take("c", now) == RateLimiter::Verdict::pass);  // b is forgotten
  CHECK(limiter.sources() == 2);
  CHECK(limiter.take("a", now) != RateLimiter::Verdict::pass);
}

}  // namespace
}  // namespace reload::sip
