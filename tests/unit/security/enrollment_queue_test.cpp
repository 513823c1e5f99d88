#include "reload/security/enrollment_queue.hpp"

#include <doctest/doctest.h>

using namespace reload;
using namespace reload::security;

namespace {

constexpr Wall kNow = from_unix_seconds(1800000000);

}  // namespace

TEST_CASE("users come out in the order of their times, those who are waited for first, nobody before his time") {
  EnrollmentQueue queue;
  CHECK_FALSE(queue.take(kNow));
  queue.put("late", kNow + 10s);
  queue.put("due", kNow - 1s);
  queue.put("long due", kNow - 60s);
  queue.put_first("phone");
  CHECK(queue.size() == 4);
  CHECK(queue.take(kNow) == "phone");
  CHECK(queue.take(kNow) == "long due");
  CHECK(queue.take(kNow) == "due");
  CHECK_FALSE(queue.take(kNow));
  CHECK(queue.next_time() == kNow + 10s);
  CHECK(queue.take(kNow + 10s) == "late");
  CHECK_FALSE(queue.next_time());
}

TEST_CASE("a user has one turn only, the last that was set; a removed one has none") {
  EnrollmentQueue queue;
  queue.put("alice", kNow);
  queue.put("alice", kNow + 5s);
  CHECK(queue.size() == 1);
  CHECK_FALSE(queue.take(kNow));
  queue.remove("alice");
  queue.remove("nobody");
  CHECK_FALSE(queue.contains("alice"));
  CHECK_FALSE(queue.take(kNow + 1h));
}

TEST_CASE("while the queue is held, nobody's turn comes, not even a phone's") {
  EnrollmentQueue queue;
  queue.put_first("phone");
  queue.hold_until(kNow + 30s);
  CHECK(queue.next_time() == kNow + 30s);
  CHECK_FALSE(queue.take(kNow + 29s));
  CHECK(queue.take(kNow + 30s) == "phone");
}
