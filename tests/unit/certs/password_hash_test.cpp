#include "certs/password_hash.hpp"

#include <doctest/doctest.h>

#include <future>

using namespace reload;
using namespace reload::certs;

TEST_CASE("a hash is argon2id with its costs and a salt of its own, and fits one password") {
  const std::string hash = hash_password("s\xc3\xa9same").value();
  CHECK(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
  CHECK(hash != hash_password("s\xc3\xa9same").value());
  CHECK(verify_password(hash, "s\xc3\xa9same") == true);
  for (const char* other : {"", "sesame", "s\xc3\xa9sam", "s\xc3\xa9same "})
    CHECK(verify_password(hash, other) == false);
}

TEST_CASE("a password that cannot be checked is not a wrong one") {
  const std::string too_much = "$argon2id$v=19$m=4294967295,t=2,p=1$c2FsdHNhbHRzYWx0$" + std::string(43, 'A');
  for (const std::string& hash : {std::string("no hash"), std::string(), too_much})
    CHECK_FALSE(verify_password(hash, "s\xc3\xa9same").has_value());
}

TEST_CASE("a password is 1 to 256 bytes of UTF-8 without control characters") {
  CHECK_FALSE(fault_of_password("a"));
  CHECK_FALSE(fault_of_password(std::string(256, 'x')));
  for (const std::string& bad : {std::string(), std::string(257, 'x'), std::string("\xff"), std::string("a\tb")})
    CHECK(fault_of_password(bad));
}

TEST_CASE("a gate lets so many work and so many wait, and sends the others away") {
  WorkGate gate(1, 1);
  auto first = gate.enter();
  REQUIRE(first);
  auto second = std::async(std::launch::async, [&] { return gate.enter().has_value(); });
  // The second one waits, sooner or later; from then on a third is sent away at once.
  auto third = std::async(std::launch::async, [&] { return gate.enter().has_value(); });
  const auto is_done = [](std::future<bool>& each) {
    return each.wait_for(std::chrono::milliseconds(1)) == std::future_status::ready;
  };
  while (!is_done(second) && !is_done(third)) {
  }
  std::future<bool>& sent_away = is_done(second) ? second : third;
  std::future<bool>& waiting = is_done(second) ? third : second;
  CHECK_FALSE(sent_away.get());
  first.reset();
  CHECK(waiting.get());
  CHECK(gate.enter());
}
