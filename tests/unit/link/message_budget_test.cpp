#include "reload/link/message_budget.hpp"

#include <doctest/doctest.h>

using namespace reload;
using link::MessageBudget;

TEST_CASE("a link may bring so many messages a second, and a burst after a pause") {
  MessageBudget budget;
  Mono now{100s};
  const auto taken = [&] {
    std::uint32_t count = 0;
    while (budget.take(now)) ++count;
    return count;
  };
  CHECK(taken() == limits::kLinkMessageBurst);
  CHECK_FALSE(budget.take(now));
  now += 1s;
  CHECK(taken() == limits::kLinkMessagesPerSecond);
  now += 1ms;
  CHECK(taken() == limits::kLinkMessagesPerSecond / 1000);
  now += 3600s;
  CHECK(taken() == limits::kLinkMessageBurst);
}
