#include <doctest/doctest.h>

#include "reload/base/limits.hpp"
#include "reload/messaging/answer_cache.hpp"
#include "tests/kit/fixtures.hpp"

using namespace reload;
using namespace reload::messaging;

namespace {

constexpr Mono kStart(100s);

IncomingRequest request(std::uint64_t transaction, std::uint64_t signer) {
  IncomingRequest made;
  made.transaction = transaction;
  made.signer = kit::node_number(signer);
  made.signature = Bytes{static_cast<std::uint8_t>(transaction), static_cast<std::uint8_t>(signer)};
  made.expires = kStart + 15s;
  return made;
}

}  // namespace

TEST_CASE("a request is found by its id, its signer and its signature, until it expires") {
  AnswerCache cache;
  const auto id = cache.add(request(1, 2), kStart);
  REQUIRE(id);
  REQUIRE(cache.add(request(1, 3), kStart));  // the same transaction id of another signer
  const IncomingRequest* found = cache.find(*id, kStart);
  REQUIRE(found != nullptr);
  CHECK(cache.find(1, kit::node_number(2), kStart) == found);
  CHECK(cache.find_signature(1, Bytes{1, 2}, kStart) == found);
  CHECK(cache.find_signature(1, Bytes{1, 9}, kStart) == nullptr);
  CHECK(cache.find_signature(2, Bytes{1, 2}, kStart) == nullptr);
  CHECK(cache.find(*id, kStart + 15s) == nullptr);
  CHECK(cache.find_signature(1, Bytes{1, 2}, kStart + 15s) == nullptr);
  CHECK(cache.size() == 0);
}

TEST_CASE("one signer gets no more than its share, and gets it back") {
  AnswerCache cache;
  for (std::uint64_t i = 0; i < limits::kMaxRequestsInPerSigner; ++i) REQUIRE(cache.add(request(i, 1), kStart));
  CHECK_FALSE(cache.add(request(limits::kMaxRequestsInPerSigner, 1), kStart));
  CHECK(cache.add(request(0, 2), kStart));
  CHECK(cache.add(request(limits::kMaxRequestsInPerSigner, 1), kStart + 15s));
}

TEST_CASE("a signer that floods loses its own answers, not those of others") {
  AnswerCache cache;
  std::vector<RequestId> honest;
  const auto answered = [&](std::uint64_t transaction, std::uint64_t signer) {
    const auto id = cache.add(request(transaction, signer), kStart);
    REQUIRE(id);
    cache.set_answer(*id, SharedBytes(Bytes(1)));
    return *id;
  };
  for (std::uint64_t i = 0; i < 100; ++i) honest.push_back(answered(i, 10 + i % 5));
  // Three that each keep to their share of requests fill the cache over and over.
  for (std::uint64_t i = 0; i < limits::kMaxRequestsInPerSigner; ++i)
    for (std::uint64_t flooding : {1u, 2u, 3u}) answered(1000 + i, flooding);
  CHECK(cache.size() == limits::kMaxCachedAnswers);
  for (const RequestId id : honest) CHECK(cache.find(id, kStart) != nullptr);
}

TEST_CASE("answers are bounded in number: the oldest goes first") {
  AnswerCache cache;
  std::vector<RequestId> ids;
  for (std::uint64_t i = 0; i <= limits::kMaxCachedAnswers; ++i) {
    ids.push_back(*cache.add(request(i, i % 100), kStart));
    cache.set_answer(ids.back(), SharedBytes(Bytes(1)));
  }
  CHECK(cache.size() == limits::kMaxCachedAnswers);
  CHECK(cache.find(ids.front(), kStart) == nullptr);
  CHECK(cache.find(ids.back(), kStart) != nullptr);
}

TEST_CASE("answers are bounded in bytes") {
  AnswerCache cache;
  const auto first = cache.add(request(1, 1), kStart);
  cache.set_answer(*first, SharedBytes(Bytes(limits::kMaxCachedAnswerBytes)));
  CHECK(cache.find(*first, kStart) != nullptr);
  const auto second = cache.add(request(2, 1), kStart);
  cache.set_answer(*second, SharedBytes(Bytes(1)));
  CHECK(cache.find(*first, kStart) == nullptr);
  CHECK(cache.find(*second, kStart) != nullptr);
}

TEST_CASE("a full table makes room by an answer, never by a request that is being worked on") {
  AnswerCache cache;
  const auto answered = cache.add(request(1, 1), kStart);
  cache.set_answer(*answered, SharedBytes(Bytes(1)));
  for (std::uint64_t i = 1; i < limits::kMaxRequestsIn; ++i) REQUIRE(cache.add(request(i, 10 + i % 100), kStart));
  REQUIRE(cache.add(request(1, 2), kStart));
  CHECK(cache.find(*answered, kStart) == nullptr);
  CHECK_FALSE(cache.add(request(1, 3), kStart));
}
