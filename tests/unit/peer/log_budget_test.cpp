#include "peer/log_budget.hpp"

#include <doctest/doctest.h>

using namespace reload;
using namespace reload::peer;

TEST_CASE("so many lines a period, then none, and the next period knows how many were left out") {
  LogBudget budget;
  Mono now(1000s);
  std::size_t written = 0;
  for (int i = 0; i < 1000; ++i) written += budget.take(now) ? 1U : 0U;
  CHECK(written == 20);
  now += 9s;
  CHECK_FALSE(budget.take(now));
  now += 1s;
  CHECK(budget.take(now));
  CHECK(budget.left_out() == 981);
  CHECK(budget.left_out() == 0);
}
