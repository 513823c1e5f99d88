// Requests of this node and what answers them.
#include "tests/unit/messaging/bed.hpp"

using namespace reload;
using namespace reload::messaging;
using namespace reload::messaging::test;

namespace {

struct Two : Bed {
  Peer a{*this, 1};
  Peer b{*this, 2};
  Peer c{*this, 3};

  // Signed by `from` as an answer to `request`.
  void answer_with(Peer& from, const Outbound& request, wire::MessageCode code, Bytes body) {
    Crafted answer(from, code, std::move(body), request.header.transaction_id);
    answer.send(from, a);
  }
  void error_with(Peer& from, const Outbound& request, wire::ErrorCode code, Bytes info = {}) {
    answer_with(from, request, wire::MessageCode::error, wire::encode(wire::ErrorResponse{code, std::move(info)}));
  }
  Bytes pong() { return wire::encode(wire::PingAns{5, 6}); }
};

}  // namespace

TEST_CASE_FIXTURE(Two, "6940-6.2.1-8, 6940-6.2.1-9: each transmission starts a timer, whose end repeats the request") {
  a.ping({b.id()});
  const Outbound first = a.take_one<Outbound>();
  CHECK(a.messenger.next_deadline() == now.mono + 3000ms);
  advance(2999ms);
  a.tick();
  CHECK(a.take<Outbound>().empty());
  advance(1ms);
  a.tick();
  const Outbound second = a.take_one<Outbound>();
  CHECK(second.header.transaction_id == first.header.transaction_id);
  CHECK(equal(second.body.view(), first.body.view()));  // T15: the very same signature
  CHECK(a.messenger.next_deadline() == now.mono + 3000ms);
}

TEST_CASE_FIXTURE(Two, "6940-6.2.1-10, 6940-6.2.1-11: after five transmissions and 15 s the request has failed") {
  a.ping({b.id()});
  std::size_t sent = a.take<Outbound>().size();
  for (int step = 0; step < 4; ++step) {
    advance(3000ms);
    a.tick();
    sent += a.take<Outbound>().size();
  }
  CHECK(sent == 5);
  advance(3000ms);
  a.tick();
  const AnswerReady failed = a.take_one<AnswerReady>();
  CHECK(failed.answer.status == AnswerStatus::timed_out);
  CHECK(failed.token == Token{Owner::api, 1});
  CHECK_FALSE(a.messenger.next_deadline());
  CHECK(a.counters.get(Counter::requests_timed_out) == 1);
}

TEST_CASE_FIXTURE(Two, "6940-6.3.3.1-9: what timed out can be sent again, as a transaction of its own") {
  a.ping({b.id()});
  const TransactionId first = a.take_one<Outbound>().header.transaction_id;
  for (int step = 0; step < 5; ++step) {
    advance(3000ms);
    a.tick();
  }
  CHECK(a.take_one<AnswerReady>().answer.status == AnswerStatus::timed_out);
  a.ping({b.id()});
  const Outbound again = a.take_one<Outbound>();
  CHECK(again.header.transaction_id != first);
  answer_with(b, again, wire::MessageCode::ping_ans, pong());
  CHECK(a.take_one<AnswerReady>().answer.status == AnswerStatus::ok);
}

TEST_CASE_FIXTURE(Two, "a prober may ask for fewer tries, and the timer follows the configuration") {
  a.config->reliability_timer = 200ms;
  SendRequest probe;
  probe.to = {b.id()};
  probe.code = wire::MessageCode::ping_req;
  probe.body = wire::encode(wire::PingReq{});
  probe.tries = 1;
  probe.first_hop = c.id();
  a.request(probe);
  CHECK(a.take_one<Outbound>().first_hop == c.id());
  advance(200ms);
  a.tick();
  CHECK(a.take_one<AnswerReady>().answer.status == AnswerStatus::timed_out);
}

TEST_CASE_FIXTURE(Two, "6940-6.3.2-18: transaction ids are 64 random bits") {
  Prng same(1);  // as peer 1 has it
  a.ping({b.id()});
  a.ping({b.id()});
  const auto sent = a.take<Outbound>();
  REQUIRE(sent.size() == 2);
  CHECK(sent[0].header.transaction_id == same.next());
  CHECK(sent[1].header.transaction_id == same.next());
}

TEST_CASE_FIXTURE(Two, "6940-6.3.2-11, 6940-6.3.2-12: the initial ttl is 100, or what the configuration says") {
  a.ping({c.id(), b.id()});
  const Outbound sent = a.take_one<Outbound>();
  CHECK(sent.header.ttl == 100);
  CHECK(sent.header.via_list.empty());
  CHECK(sent.header.configuration_sequence == 7);
  CHECK(sent.header.overlay == a.config->overlay_hash);
  CHECK(sent.header.destination_list == wire::DestinationList{c.id(), b.id()});  // 6940-6.2.1-3
  a.config->initial_ttl = 20;
  a.ping({b.id()});
  CHECK(a.take_one<Outbound>().header.ttl == 20);
}

TEST_CASE_FIXTURE(Two, "an answer ends the request and reaches its owner once") {
  a.ping({b.id()}, 42);
  const Outbound request = a.take_one<Outbound>();
  b.deliver(request, a);
  const Outbound answer = b.take_one<Outbound>();
  a.deliver(answer, b);
  const AnswerReady ready = a.take_one<AnswerReady>();
  CHECK(ready.token == Token{Owner::api, 42});
  CHECK(ready.answer.status == AnswerStatus::ok);
  CHECK(ready.answer.signer.node_id == b.id());
  CHECK(wire::decode<wire::PingAns>(ready.answer.body));
  CHECK_FALSE(a.messenger.next_deadline());

  a.deliver(answer, b);
  CHECK(a.take<AnswerReady>().empty());
  CHECK(a.counters.get(Counter::answers_unexpected) == 1);
}

TEST_CASE_FIXTURE(Two, "of two answers that are checked at the same time the first counts") {
  a.ping({b.id()}, 42);
  const Outbound request = a.take_one<Outbound>();
  answer_with(b, request, wire::MessageCode::ping_ans, wire::encode(wire::PingAns{5, 6}));
  answer_with(b, request, wire::MessageCode::ping_ans, wire::encode(wire::PingAns{7, 8}));
  CHECK(wire::decode<wire::PingAns>(a.take_one<AnswerReady>().answer.body)->response_id == 5);
  CHECK(a.counters.get(Counter::answers_unexpected) == 1);
}

TEST_CASE_FIXTURE(Two, "6940-6.3.4-24, 6940-6.3.4-25: only the node that was asked may answer") {
  a.ping({b.id()});
  const Outbound request = a.take_one<Outbound>();
  answer_with(c, request, wire::MessageCode::ping_ans, pong());
  CHECK(a.take<AnswerReady>().empty());
  CHECK(a.counters.get(Counter::answers_unexpected) == 1);
  CHECK(a.messenger.next_deadline());  // and the right one may still do
  answer_with(b, request, wire::MessageCode::ping_ans, pong());
  CHECK(a.take_one<AnswerReady>().answer.signer.node_id == b.id());
}

TEST_CASE_FIXTURE(Two, "6940-6.3.4-25: whoever gets a request to the wildcard may answer it") {
  a.ping({NodeId::wildcard()});
  answer_with(c, a.take_one<Outbound>(), wire::MessageCode::ping_ans, pong());
  CHECK(a.take_one<AnswerReady>().answer.signer.node_id == c.id());
}

TEST_CASE_FIXTURE(Two, "6940-6.3.4-26: an answer for a resource from a node known to be too far is ignored") {
  a.route.implausible = {c.id()};
  a.ping({ResourceId(kit::node_number(9).view())});
  const Outbound request = a.take_one<Outbound>();
  answer_with(c, request, wire::MessageCode::ping_ans, pong());
  CHECK(a.take<AnswerReady>().empty());
  CHECK(a.messenger.next_deadline());
  answer_with(b, request, wire::MessageCode::ping_ans, pong());
  CHECK(a.take_one<AnswerReady>().answer.status == AnswerStatus::ok);
}

TEST_CASE_FIXTURE(Two,
                  "who answers for a resource asked for through another node is judged by that node's ring alone") {
  a.route.implausible = {c.id()};
  a.ping({b.id(), ResourceId(kit::node_number(9).view())});
  answer_with(c, a.take_one<Outbound>(), wire::MessageCode::ping_ans, pong());
  CHECK(a.take_one<AnswerReady>().answer.signer.node_id == c.id());
}

TEST_CASE_FIXTURE(Two, "T3: a node on the way may report what nodes on the way report, and nothing else") {
  a.ping({b.id()});
  const Outbound request = a.take_one<Outbound>();
  error_with(c, request, wire::ErrorCode::not_found);
  CHECK(a.take<AnswerReady>().empty());
  error_with(c, request, wire::ErrorCode::ttl_exceeded, to_bytes(as_bytes("far")));
  const AnswerReady failed = a.take_one<AnswerReady>();
  CHECK(failed.answer.status == AnswerStatus::error);
  CHECK(failed.answer.error == wire::ErrorCode::ttl_exceeded);
  CHECK(as_text(failed.answer.body) == "far");
}

TEST_CASE_FIXTURE(Two, "an answer of another method, or a bad signature, does not count") {
  a.ping({b.id()});
  const Outbound request = a.take_one<Outbound>();
  answer_with(b, request, wire::MessageCode::update_ans, {});
  CHECK(a.take<AnswerReady>().empty());

  Crafted forged(b, wire::MessageCode::ping_ans, pong(), request.header.transaction_id);
  const SharedBytes right = forged.body(*this, b.credential);
  Bytes changed = to_bytes(right.view());
  changed[6] ^= 1;  // in the body
  a.deliver(forged.header, SharedBytes(changed), b.id());
  CHECK(a.take<AnswerReady>().empty());
  CHECK(a.counters.get(Counter::signatures_bad) == 1);
}

TEST_CASE_FIXTURE(Two, "every cut of an answer is refused or waits for the whole one, and none stops the node") {
  a.ping({b.id()});
  const Outbound request = a.take_one<Outbound>();
  Crafted answer(b, wire::MessageCode::ping_ans, pong(), request.header.transaction_id);
  const SharedBytes whole = answer.body(*this, b.credential);
  for (std::size_t size = 0; size < whole.size(); ++size) a.deliver(answer.header, whole.slice(0, size), b.id());
  CHECK(a.take<AnswerReady>().empty());
  CHECK(a.counters.get(Counter::contents_malformed) == whole.size());
}

TEST_CASE_FIXTURE(Two, "a cancelled request is not repeated and its owner hears nothing") {
  a.ping({b.id()}, 5);
  const Outbound request = a.take_one<Outbound>();
  a.messenger.cancel_request({{Owner::api, 5}});
  CHECK_FALSE(a.messenger.next_deadline());
  answer_with(b, request, wire::MessageCode::ping_ans, pong());
  CHECK(a.take<AnswerReady>().empty());

  a.ping({b.id()}, 6);
  a.messenger.cancel_request({{Owner::api, 6}});  // while it is being signed
  CHECK(a.take<Outbound>().empty());
}

TEST_CASE_FIXTURE(Two, "a request above max-message-size fails at once, for the next hop would close the link") {
  SendRequest large;
  large.token = {Owner::api, 9};
  large.to = {b.id()};
  large.code = wire::MessageCode::ping_req;
  large.body = wire::encode(wire::PingReq{Bytes(5000)});
  a.request(large);
  const AnswerReady failed = a.take_one<AnswerReady>();
  CHECK(failed.answer.status == AnswerStatus::error);
  CHECK(failed.answer.error == wire::ErrorCode::message_too_large);
}

TEST_CASE_FIXTURE(Two, "requests out are bounded") {
  for (std::size_t i = 0; i < limits::kMaxRequestsOut; ++i) a.ping({b.id()});
  CHECK(a.messenger.take_events().empty());
  a.ping({b.id()}, 99);
  const auto events = a.messenger.take_events();
  REQUIRE(events.size() == 1);
  CHECK(std::get<AnswerReady>(events[0]).token.number == 99);
  CHECK(std::get<AnswerReady>(events[0]).answer.status == AnswerStatus::unroutable);
}

TEST_CASE_FIXTURE(Two, "6940-6.5.4-1: a responder with an older configuration is sent ours, and asked again") {
  a.ping({b.id()});
  const Outbound request = a.take_one<Outbound>();
  error_with(b, request, wire::ErrorCode::config_too_new);
  const Outbound update = a.take_one<Outbound>();
  CHECK(parsed(update).code == wire::MessageCode::config_update_req);
  CHECK(update.header.configuration_sequence == wire::kAnyConfigSequence);
  CHECK(update.header.destination_list == wire::DestinationList{b.id()});
  const auto offered = wire::decode<wire::ConfigUpdateReq>(parsed(update).body);
  REQUIRE(offered);
  CHECK(offered->config_data == a.config->document);

  answer_with(b, update, wire::MessageCode::config_update_ans, {});
  a.settle();
  advance(3000ms);
  a.tick();
  const Outbound again = a.take_one<Outbound>();
  CHECK(parsed(again).code == wire::MessageCode::ping_req);
  CHECK(again.header.transaction_id != request.header.transaction_id);
  answer_with(b, again, wire::MessageCode::ping_ans, pong());
  CHECK(a.take_one<AnswerReady>().token == Token{Owner::api, 1});
}

TEST_CASE_FIXTURE(Two, "a request with an older configuration is repeated as soon as the new one is in force") {
  a.ping({b.id()});
  error_with(b, a.take_one<Outbound>(), wire::ErrorCode::config_too_old);
  CHECK(a.take<Outbound>().empty());
  a.take_config(8);
  const Outbound again = a.take_one<Outbound>();
  CHECK(again.header.configuration_sequence == 8);
  answer_with(b, again, wire::MessageCode::ping_ans, pong());
  CHECK(a.take_one<AnswerReady>().answer.status == AnswerStatus::ok);
}

TEST_CASE_FIXTURE(Two, "nodes that never agree on a configuration end with the error") {
  a.ping({b.id()});
  for (unsigned repeat = 0; repeat < limits::kMaxConfigRepeats; ++repeat) {
    error_with(b, a.take_one<Outbound>(), wire::ErrorCode::config_too_old);
    CHECK(a.take<AnswerReady>().empty());
    advance(3000ms);
    a.tick();
  }
  error_with(b, a.take_one<Outbound>(), wire::ErrorCode::config_too_old);
  CHECK(a.take_one<AnswerReady>().answer.error == wire::ErrorCode::config_too_old);
}

TEST_CASE_FIXTURE(Two,
                  "6940-6.5.4-1, 6940-7.4.1.2-10: a responder that does not know a Kind of the document is sent it") {
  const Bytes block = to_bytes(as_bytes("<kind-block/>"));
  config::Kind kind;
  kind.id = KindId{0xf0000001};
  kind.kind_block = block;
  a.config->kinds.add(kind);
  a.ping({b.id()});
  error_with(b, a.take_one<Outbound>(), wire::ErrorCode::unknown_kind,
             wire::encode(std::vector<KindId>{kind.id, KindId{1}}));
  const Outbound update = a.take_one<Outbound>();
  const auto offered = wire::decode<wire::ConfigUpdateReq>(parsed(update).body);
  REQUIRE(offered);
  CHECK(offered->type == wire::ConfigUpdateType::kind);
  CHECK(offered->kinds == std::vector<Bytes>{block});
  // Then it is asked again, as a new transaction, and not for ever; the Kind was sent once.
  answer_with(b, update, wire::MessageCode::config_update_ans, {});
  for (unsigned repeat = 0; repeat < limits::kMaxConfigRepeats; ++repeat) {
    CHECK(a.take<AnswerReady>().empty());
    advance(3000ms);
    a.tick();
    const Outbound again = a.take_one<Outbound>();
    CHECK(parsed(again).code == wire::MessageCode::ping_req);
    error_with(b, again, wire::ErrorCode::unknown_kind, wire::encode(std::vector<KindId>{kind.id}));
  }
  CHECK(a.take_one<AnswerReady>().answer.error == wire::ErrorCode::unknown_kind);

  a.ping({b.id()}, 8);  // a Kind of nobody's document: just an error
  error_with(b, a.take_one<Outbound>(), wire::ErrorCode::unknown_kind, wire::encode(std::vector<KindId>{KindId{77}}));
  CHECK(a.take_one<AnswerReady>().answer.error == wire::ErrorCode::unknown_kind);
}

TEST_CASE_FIXTURE(Two, "the values of a Fetch answer are checked together with it, each by itself") {
  const ResourceId resource(kit::node_number(9).view());
  SendRequest fetch;
  fetch.to = {resource};
  fetch.code = wire::MessageCode::fetch_req;
  fetch.body = wire::encode(wire::FetchReq{resource, {{wire::kKindSipRegistration, 0, wire::DictionarySpecifier{}}}});
  a.request(fetch);
  const Outbound request = a.take_one<Outbound>();

  wire::FetchKindResponse kind{wire::kKindSipRegistration, 1, {}, {}};
  kind.values.push_back(signed_value(*this, c.credential, resource, kind.kind, "right"));
  kind.values.push_back(signed_value(*this, c.credential, resource, kind.kind, "raw", false));  // T25
  kind.values.push_back(signed_value(*this, c.credential, resource, kind.kind, "changed"));
  wire::data_value(kind.values.back().value).value[0] ^= 1;
  kind.values.push_back({});  // synthetic
  kind.values.back().value = wire::DictionaryEntry{to_bytes(as_bytes("gap")), {}};

  SUBCASE("read") {
    Crafted answer(b, wire::MessageCode::fetch_ans, wire::encode(wire::FetchAns{{kind}}),
                   request.header.transaction_id);
    answer.certificates.push_back(c.credential->certificate);
    answer.send(b, a);
    const AnswerReady ready = a.take_one<AnswerReady>();
    CHECK(a.verifications == 1);
    REQUIRE(ready.answer.fetch);
    const auto& signers = ready.answer.fetch->signers;
    REQUIRE(signers.size() == 1);
    REQUIRE(signers[0].size() == 4);
    CHECK(signers[0][0].node_id == c.id());
    CHECK(signers[0][1].node_id == c.id());
    CHECK_FALSE(signers[0][2].known());
    CHECK_FALSE(signers[0][3].known());
  }
  SUBCASE("malformed") {
    answer_with(b, request, wire::MessageCode::fetch_ans, Bytes{1, 2, 3});
    CHECK(a.take_one<AnswerReady>().answer.error == wire::ErrorCode::invalid_message);
  }
}

TEST_CASE_FIXTURE(Two, "6940-13.5.1-1: a value is signed with its user's key, which verifies") {
  const security::CredentialPtr user = credential(50);
  const CredentialId id = a.credentials.add(user);
  const ResourceId resource(kit::node_number(9).view());
  SignValue value;
  value.token = {Owner::storage, 3};
  value.signer = id;
  value.resource = resource;
  value.kind = wire::kKindSipRegistration;
  value.storage_time = 5;
  value.value = wire::DictionaryEntry{to_bytes(as_bytes("k")), {true, to_bytes(as_bytes("v"))}};
  a.with([&](Context& c_) { a.messenger.sign_value(value, c_); });
  const SignedValue done = a.take_one<SignedValue>();
  CHECK(done.token == value.token);
  CHECK(done.certificate == user->certificate);
  REQUIRE(done.signature);
  wire::StoredData data{5, 60, value.value, *done.signature};
  const auto check = security::value_check(resource, value.kind, data);
  CHECK(crypto.verify(*user->certificate->key, check.signature.hash, check.signature.algorithm, check.input,
                      check.signature.value));

  value.signer = CredentialId{1234};
  a.with([&](Context& c_) { a.messenger.sign_value(value, c_); });
  CHECK_FALSE(a.take_one<SignedValue>().signature);
}
