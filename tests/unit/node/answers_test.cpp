// Answers are taken only for what was asked, and only from whom it was asked.
#include <doctest/doctest.h>

#include "tests/kit/node_bed.hpp"

using namespace reload;
using namespace reload::kit;
using wire::MessageCode;

namespace {

const Cast& cast = Cast::get();

struct Asked {
  NodeBed bed;
  LinkId link = bed.befriend(Who::next);
  ApiId call = bed.new_call();
  NodeBed::Sent request;

  Asked() {
    bed.sent.clear();
    bed.input(node::CallPing{call, {cast.id(Who::next)}});
    auto sent = bed.take(MessageCode::ping_req);
    REQUIRE(sent);
    request = std::move(*sent);
  }
  void answer(Who who, MessageCode code = MessageCode::ping_ans) {
    const Bytes body = wire::encode(wire::PingAns{1, to_wire_ms(bed.now().wall)});
    bed.deliver(link, answer_letter(who, cast.id(Who::node), request.header, code, body));
  }
  [[nodiscard]] bool done() const { return bed.calls().empty(); }
};

}  // namespace

TEST_CASE("the answer of the node that was asked ends a call, once") {
  Asked asked;
  asked.answer(Who::next);
  REQUIRE(asked.done());
  REQUIRE(asked.bed.events.size() == 1);
  const auto& result = std::get<node::ApiResult<node::PingDone>>(asked.bed.events.front().result);
  REQUIRE(result);
  CHECK(result->responder == cast.id(Who::next));
  asked.answer(Who::next);
  CHECK(asked.bed.events.size() == 1);
  CHECK(asked.bed.count(Counter::answers_unexpected) == 1);
}

TEST_CASE("an answer of another node, of another kind or to another transaction is counted and nothing else") {
  Asked asked;
  asked.answer(Who::second);
  asked.answer(Who::next, MessageCode::stat_ans);
  NodeBed::Sent other = asked.request;
  other.header.transaction_id ^= 1;
  asked.bed.deliver(asked.link, answer_letter(Who::next, cast.id(Who::node), other.header, MessageCode::ping_ans,
                                              wire::encode(wire::PingAns{})));
  CHECK_FALSE(asked.done());
  CHECK(asked.bed.events.empty());
  CHECK(asked.bed.count(Counter::answers_unexpected) == 3);
  asked.answer(Who::next);
  CHECK(asked.done());
}

TEST_CASE("a call without an answer is asked five times and then failed") {
  Asked asked;
  asked.bed.advance(20s);
  REQUIRE(asked.done());
  std::size_t repeats = 0;
  for (const auto& one : asked.bed.sent)
    if (one.header.transaction_id == asked.request.header.transaction_id) ++repeats;
  CHECK(repeats == 4);
  bool failed = false;
  for (const auto& event : asked.bed.events) {
    const auto* result = std::get_if<node::ApiResult<node::PingDone>>(&event.result);
    if (result != nullptr && event.id == asked.call)
      failed = !*result && result->error().code == wire::ErrorCode::request_timeout;
  }
  CHECK(failed);
}

TEST_CASE("the order in which signatures are done changes nothing: each request gets its own answer") {
  NodeBed bed({.holds_crypto = true});
  const LinkId link = bed.link_up(Who::next);
  while (!bed.jobs.empty()) bed.finish_job(0);
  bed.sent.clear();
  for (TransactionId number = 1; number <= 8; ++number)
    bed.deliver(link,
                letter(Who::next, {cast.id(Who::node)}, MessageCode::ping_req, wire::encode(wire::PingReq{}), number));
  CHECK(bed.sent.empty());  // nothing is answered before its signature was checked
  while (!bed.jobs.empty()) bed.finish_job(bed.jobs.size() - 1);
  std::set<TransactionId> answered;
  for (const auto& one : bed.sent)
    if (one.code() == MessageCode::ping_ans) answered.insert(one.header.transaction_id);
  CHECK(answered.size() == 8);
}

namespace {

// A StoreReq of Who::next for its own AOR.
Letter registration(NodeBed& bed, TransactionId transaction) {
  wire::StoreReq store;
  store.resource = cast.resource(as_bytes(cast.user(Who::next)));
  REQUIRE(bed.node().route().responsible(store.resource));
  auto& kind = store.kind_data.emplace_back();
  kind.kind = wire::kKindCertificateByUser;
  kind.values.push_back(signed_data(Who::next, store.resource, kind.kind, to_wire_ms(bed.now().wall), 60,
                                    wire::ArrayEntry{0, {true, {1}}}));
  return letter(Who::next, {cast.id(Who::node)}, MessageCode::store_req, wire::encode(store), transaction);
}

}  // namespace

TEST_CASE("when the store fails no answer says that the value is kept, then or later") {
  for (const bool alone : {true, false}) {
    NodeBed bed;
    const LinkId link = alone ? bed.link_up(Who::next) : bed.befriend(Who::next);
    bed.sent.clear();
    bed.store().fails = true;
    bed.deliver(link, registration(bed, 1));
    bed.advance(5s);
    CHECK(bed.count(Counter::store_failures) >= 1);
    CHECK(bed.store().value_count() == 0);
    CHECK_FALSE(bed.take(MessageCode::store_ans));
    CHECK(bed.count(Counter::stores_accepted) == 1);
    bed.store().fails = false;
    bed.deliver(link, registration(bed, 2));
    bed.advance(5s);
    CHECK(bed.store().value_count() == 1);
    CHECK(bed.take(MessageCode::store_ans));
  }
}
