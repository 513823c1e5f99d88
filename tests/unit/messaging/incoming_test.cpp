// Requests of others: taken once, checked in order, answered the way they came.
#include "tests/unit/messaging/bed.hpp"

using namespace reload;
using namespace reload::messaging;
using namespace reload::messaging::test;

namespace {

struct Pair : Bed {
  Peer a{*this, 1};
  Peer b{*this, 2};
  NodeId hop = kit::node_number(8);

  Crafted update(TransactionId transaction = 77) { return {a, wire::MessageCode::update_req, Bytes(4), transaction}; }
  wire::ErrorCode refusal() { return error_of(b.take_one<Outbound>()).code; }
};

}  // namespace

TEST_CASE_FIXTURE(Pair, "a request reaches its handler with what is known of it") {
  Crafted request = update();
  request.header.via_list = {a.id(), kit::node_number(5)};
  request.header.destination_list = {ResourceId(b.id().view())};
  b.deliver(request.header, request.body(*this, a.credential), hop);
  const RequestReady ready = b.take_one<RequestReady>();
  CHECK(ready.request.code == wire::MessageCode::update_req);
  CHECK(ready.request.body.size() == 4);
  CHECK(ready.request.signer.node_id == a.id());
  CHECK(ready.request.link_node == hop);
  CHECK(ready.request.via_list == request.header.via_list);
  CHECK(ready.request.destination == request.header.destination_list.back());
  CHECK(b.counters.get(Counter::requests_received) == 1);
}

TEST_CASE_FIXTURE(Pair, "6940-6.1.2-14, 6940-6.2.2-1: an answer goes back the way its request came") {
  Crafted request = update();
  const wire::OpaqueId short_form{{0x80, 0x01}, true};
  request.header.via_list = {a.id(), short_form};
  b.deliver(request.header, request.body(*this, a.credential), hop);
  b.answer(b.take_one<RequestReady>().request.id);
  const Outbound answer = b.take_one<Outbound>();
  CHECK(answer.header.destination_list == wire::DestinationList{hop, short_form, a.id()});
  CHECK(answer.header.via_list.empty());
  CHECK(answer.header.transaction_id == request.header.transaction_id);
  CHECK(answer.header.max_response_length == 0);
  CHECK(answer.header.ttl == 100);
  CHECK(parsed(answer).code == wire::MessageCode::update_ans);
}

TEST_CASE_FIXTURE(Pair, "a request that this node sent to itself is answered to itself") {
  a.ping({a.id()});
  const auto deliver = [&](const Outbound& message) {
    a.with([&](Context& c) { a.messenger.on_delivered(message.header, message.body, std::nullopt, {}, c); });
  };
  deliver(a.take_one<Outbound>());
  const Outbound answer = a.take_one<Outbound>();
  CHECK(answer.header.destination_list == wire::DestinationList{a.id()});
  deliver(answer);
  CHECK(a.take_one<AnswerReady>().answer.status == AnswerStatus::ok);
}

TEST_CASE_FIXTURE(Pair, "6940-6.3.2.3-6, 6940-6.3.2.3-7: options to be copied are, without their flags") {
  Crafted request = update();
  request.header.options = {{9, wire::ForwardingOption::kResponseCopy, {1, 2}}, {10, 0, {3}}};
  request.send(a, b);
  b.answer(b.take_one<RequestReady>().request.id);
  CHECK(b.take_one<Outbound>().header.options == std::vector<wire::ForwardingOption>{{9, 0, {1, 2}}});
}

TEST_CASE_FIXTURE(Pair, "6940-6.2.1-13: a repeated request gets the same answer, along its new way") {
  const Crafted request = update();
  request.send(a, b);
  const RequestId id = b.take_one<RequestReady>().request.id;

  SUBCASE("after the answer, without another signature check") {
    b.answer(id, Bytes{1});
    const Outbound first = b.take_one<Outbound>();
    const std::size_t checked = b.verifications;
    Crafted again = request;
    again.header.via_list = {kit::node_number(6)};
    b.deliver(again.header, again.body(*this, a.credential), hop);
    const Outbound second = b.take_one<Outbound>();
    CHECK(equal(second.body.view(), first.body.view()));
    CHECK(second.header.destination_list == wire::DestinationList{hop, kit::node_number(6)});
    CHECK(b.verifications == checked);
    CHECK(b.counters.get(Counter::requests_repeated) == 1);
  }
  SUBCASE("while it is worked on: nothing yet, then the answer by the latest way") {
    b.deliver(request.header, request.body(*this, a.credential), hop);
    CHECK(b.take<RequestReady>().empty());
    b.answer(id);
    CHECK(b.take_one<Outbound>().header.destination_list == wire::DestinationList{hop});
  }
  SUBCASE("signed anew, as others may do") {
    b.answer(id);
    const Outbound first = b.take_one<Outbound>();
    Crafted again = request;
    again.contents.extensions = {{1, false, {}}};
    again.send(a, b);
    CHECK(equal(b.take_one<Outbound>().body.view(), first.body.view()));
  }
  SUBCASE("once its life is over it is a new request") {
    b.answer(id);
    b.take<Outbound>();
    advance(15s);
    request.send(a, b);
    CHECK(b.take<RequestReady>().size() == 1);
  }
  SUBCASE("the same transaction id of another signer is another request") {
    Peer c{*this, 3};
    Crafted other(c, wire::MessageCode::update_req, Bytes(4), request.header.transaction_id);
    other.send(c, b);
    CHECK(b.take_one<RequestReady>().request.signer.node_id == c.id());
  }
}

TEST_CASE_FIXTURE(Pair, "a repeat that comes while the first is being verified is not verified again") {
  const Crafted request = update();
  request.send(a, b);
  b.deliver(request.header, request.body(*this, a.credential), hop);
  b.answer(b.take_one<RequestReady>().request.id);
  CHECK(b.verifications == 1);
  CHECK(b.take_one<Outbound>().header.destination_list == wire::DestinationList{hop});
}

TEST_CASE_FIXTURE(Pair, "a signer with all the requests that are its share gets no more until they are over") {
  for (std::size_t i = 0; i < limits::kMaxRequestsInPerSigner; ++i) {
    update(1000 + i).send(a, b);
    b.take_one<RequestReady>();
  }
  update(1).send(a, b);
  CHECK(b.take<RequestReady>().empty());
  CHECK(b.counters.get(Counter::requests_refused_budget) == 1);
  advance(15s);
  update(2).send(a, b);
  CHECK(b.take<RequestReady>().size() == 1);
}

TEST_CASE_FIXTURE(Pair, "a request is answered once, whatever its handler does") {
  update().send(a, b);
  const RequestId id = b.take_one<RequestReady>().request.id;
  b.answer(id);
  b.answer(id);
  b.with([&](Context& c) { b.messenger.send_error({id, wire::ErrorCode::forbidden, {}}, c); });
  b.answer(RequestId{4711});
  CHECK(b.take<Outbound>().size() == 1);
}

TEST_CASE_FIXTURE(Pair, "6940-6.3.2.1-5, 6940-6.3.2.1-6: a request of another configuration is refused") {
  struct Row {
    std::uint16_t own;
    std::uint16_t theirs;
    std::optional<wire::ErrorCode> refusal;
  };
  const auto old = wire::ErrorCode::config_too_old;
  const auto fresh = wire::ErrorCode::config_too_new;
  const Row rows[] = {
      {7, 7, {}},         {7, 6, old},       {7, 8, fresh},   {0, 65534, old},   {65534, 0, fresh}, {0, 1, fresh},
      {40000, 7233, old}, {7, 32774, fresh}, {7, 32775, old}, {32775, 7, fresh}, {7, 65535, fresh},
  };
  TransactionId transaction = 1;
  for (const Row& row : rows) {
    CAPTURE(row.own);
    CAPTURE(row.theirs);
    b.config->sequence = row.own;
    Crafted request = update(++transaction);
    request.header.configuration_sequence = row.theirs;
    request.send(a, b);
    b.settle();
    std::optional<wire::ErrorCode> refusal;
    for (const MessengerEvent& event : b.messenger.take_events()) {
      const auto* sent = std::get_if<Outbound>(&event);
      if (sent != nullptr && parsed(*sent).code == wire::MessageCode::error) refusal = error_of(*sent).code;
    }
    if (row.theirs != wire::kAnyConfigSequence) {
      CHECK(refusal == row.refusal);
    } else {
      CHECK(refusal.has_value());  // only a ConfigUpdate may have it
    }
    advance(15s);
  }
}

TEST_CASE_FIXTURE(Pair, "6940-6.3.2.1-7, 6940-6.5.4-1: whoever is behind is sent the document, but not over and over") {
  Crafted request = update(1);
  request.header.configuration_sequence = 6;
  request.send(a, b);
  const auto sent = b.take<Outbound>();
  REQUIRE(sent.size() == 2);
  CHECK(error_of(sent[0]).code == wire::ErrorCode::config_too_old);
  CHECK(parsed(sent[1]).code == wire::MessageCode::config_update_req);
  CHECK(sent[1].header.destination_list == wire::DestinationList{a.id()});
  CHECK(sent[1].header.configuration_sequence == wire::kAnyConfigSequence);

  request.header.transaction_id = 2;
  request.send(a, b);
  CHECK(refusal() == wire::ErrorCode::config_too_old);  // T61: and no second update
  advance(15s);
  request.header.transaction_id = 3;
  request.send(a, b);
  CHECK(b.take<Outbound>().size() == 2);
}

TEST_CASE_FIXTURE(Pair, "6940-6.3.2.1-8: a ConfigUpdate with sequence 65535 is taken whatever the own one is") {
  b.config->sequence = 65534;
  const wire::ConfigUpdateReq update{wire::ConfigUpdateType::config, to_bytes(as_bytes("<new/>")), {}};
  Crafted request(a, wire::MessageCode::config_update_req, wire::encode(update));
  request.header.configuration_sequence = wire::kAnyConfigSequence;
  request.send(a, b);
  b.settle();
  REQUIRE(b.effects.size() == 1);
  const auto& offered = std::get<ConfigOffered>(b.effects.front());
  CHECK(offered.document == update.config_data);
  CHECK(offered.from == a.id());
  b.answer(offered.request);
  CHECK(parsed(b.take_one<Outbound>()).code == wire::MessageCode::config_update_ans);
}

TEST_CASE_FIXTURE(Pair, "the kind-blocks of a ConfigUpdate are offered to the node; malformed ones are refused") {
  const wire::ConfigUpdateReq update{
      wire::ConfigUpdateType::kind, {}, {to_bytes(as_bytes("<kind-block/>")), to_bytes(as_bytes("mine"))}};
  Crafted(a, wire::MessageCode::config_update_req, wire::encode(update), 2).send(a, b);
  b.settle();
  REQUIRE(b.effects.size() == 1);
  const auto& offered = std::get<KindsOffered>(b.effects.front());
  CHECK(offered.kind_blocks == update.kinds);
  b.answer(offered.request);
  CHECK(parsed(b.take_one<Outbound>()).code == wire::MessageCode::config_update_ans);
  Crafted(a, wire::MessageCode::config_update_req, Bytes{1}, 3).send(a, b);
  CHECK(refusal() == wire::ErrorCode::invalid_message);
}

TEST_CASE_FIXTURE(Pair, "6940-6.3.3-4, 6940-6.3.3-5: an unknown extension is refused when critical, else passed over") {
  Crafted request = update(1);
  request.contents.extensions = {{5, true, {1}}};
  request.send(a, b);
  CHECK(refusal() == wire::ErrorCode::unknown_extension);
  request = update(2);
  request.contents.extensions = {{5, false, {1}}};
  request.send(a, b);
  CHECK(b.take<RequestReady>().size() == 1);
}

TEST_CASE_FIXTURE(Pair, "6940-6.3.2.3-5: an unknown option that is critical for the destination is refused") {
  Crafted request = update();
  request.header.options = {{9, wire::ForwardingOption::kDestinationCritical, {}}};
  request.send(a, b);
  CHECK(refusal() == wire::ErrorCode::unsupported_forwarding_option);
}

TEST_CASE_FIXTURE(Pair, "the configuration is looked at before what the message says") {
  Crafted request = update();
  request.contents.extensions = {{5, true, {1}}};
  request.header.configuration_sequence = 8;
  request.send(a, b);
  CHECK(refusal() == wire::ErrorCode::config_too_new);
}

TEST_CASE_FIXTURE(Pair, "6940-6.3.2-20: an answer larger than wanted becomes an error, and only then") {
  Crafted request = update(1);
  request.send(a, b);
  b.answer(b.take_one<RequestReady>().request.id, Bytes(1000));
  const Outbound whole = b.take_one<Outbound>();
  const auto size = static_cast<std::uint32_t>(wire::encode_header(whole.header, 0).size() + whole.body.size());

  request.header.transaction_id = 2;
  request.header.max_response_length = size;
  request.send(a, b);
  b.answer(b.take_one<RequestReady>().request.id, Bytes(1000));
  CHECK(parsed(b.take_one<Outbound>()).code == wire::MessageCode::update_ans);

  request.header.transaction_id = 3;
  request.header.max_response_length = size - 1;
  request.send(a, b);
  b.answer(b.take_one<RequestReady>().request.id, Bytes(1000));
  CHECK(refusal() == wire::ErrorCode::response_too_large);
}

TEST_CASE_FIXTURE(Pair, "an answer above max-message-size becomes an error, for the next hop would close the link") {
  update().send(a, b);
  b.answer(b.take_one<RequestReady>().request.id, Bytes(5000));
  CHECK(refusal() == wire::ErrorCode::response_too_large);
}

TEST_CASE_FIXTURE(Pair, "6940-6.3.3.1-1, 6940-6.3.3.1-15: what became of a request is in the code of its answer") {
  Crafted(a, static_cast<wire::MessageCode>(0x7001), {}, 1).send(a, b);
  const wire::ErrorResponse error = error_of(b.take_one<Outbound>());
  CHECK(error.code == wire::ErrorCode::invalid_message);
  CHECK(as_text(error.info) == "unknown message code");

  update(2).send(a, b);
  b.with([&, id = b.take_one<RequestReady>().request.id](Context& c) {
    b.messenger.send_error({id, wire::ErrorCode::forbidden, to_bytes(as_bytes("why"))}, c);
  });
  const wire::ErrorResponse forbidden = error_of(b.take_one<Outbound>());
  CHECK(forbidden.code == wire::ErrorCode::forbidden);
  CHECK(as_text(forbidden.info) == "why");
  CHECK(b.counters.get(Counter::errors_sent) == 2);
}

TEST_CASE_FIXTURE(Pair, "Ping is answered with the time and a random number") {
  a.ping({b.id()});
  b.deliver(a.take_one<Outbound>(), a);
  const auto first = wire::decode<wire::PingAns>(parsed(b.take_one<Outbound>()).body);
  REQUIRE(first);
  CHECK(first->time == to_wire_ms(now.wall));
  a.ping({b.id()});
  b.deliver(a.take_one<Outbound>(), a);
  CHECK(wire::decode<wire::PingAns>(parsed(b.take_one<Outbound>()).body)->response_id != first->response_id);
  Crafted(a, wire::MessageCode::ping_req, Bytes{0, 9}).send(a, b);
  CHECK(refusal() == wire::ErrorCode::invalid_message);
}

TEST_CASE_FIXTURE(Pair,
                  "6940-6.4.2.5.2-3, 6940-6.4.2.5.2-4, 6940-6.4.2.5.2-5: Probe tells what was asked for and is known, "
                  "in the order asked") {
  b.messenger.set_probe_facts({.num_resources = 12, .uptime = 34});
  Crafted(a, wire::MessageCode::probe_req, wire::encode(wire::ProbeReq{{3, 99, 1, 2, 3}})).send(a, b);
  const auto answer = wire::decode<wire::ProbeAns>(parsed(b.take_one<Outbound>()).body);
  REQUIRE(answer);
  using enum wire::ProbeInformationType;
  CHECK(answer->probe_info == std::vector{wire::make_probe_information(uptime, 34),
                                          wire::make_probe_information(responsible_set, 250000000),
                                          wire::make_probe_information(num_resources, 12)});
  Crafted(a, wire::MessageCode::probe_req, Bytes{9}, 2).send(a, b);
  CHECK(refusal() == wire::ErrorCode::invalid_message);
}

TEST_CASE_FIXTURE(Pair, "the values of a Store are checked together with it, each by itself") {
  const security::CredentialPtr user = credential(50);
  const ResourceId resource(kit::node_number(9).view());
  wire::StoreKindData kind{wire::kKindSipRegistration, 0, {}, {}};
  kind.values.push_back(signed_value(*this, user, resource, kind.kind, "right"));
  kind.values.push_back(signed_value(*this, user, ResourceId(kit::node_number(10).view()), kind.kind, "elsewhere"));
  Crafted request(a, wire::MessageCode::store_req, wire::encode(wire::StoreReq{resource, 0, {kind}}));
  request.certificates.push_back(user->certificate);
  request.send(a, b);
  const RequestReady ready = b.take_one<RequestReady>();
  CHECK(b.verifications == 1);
  REQUIRE(ready.request.store);
  CHECK(ready.request.store->request.resource == resource);
  REQUIRE(ready.request.store->signers.size() == 1);
  REQUIRE(ready.request.store->signers[0].size() == 2);
  CHECK(ready.request.store->signers[0][0].certificate->hash == user->certificate->hash);
  CHECK_FALSE(ready.request.store->signers[0][1].known());
}

TEST_CASE_FIXTURE(Pair, "a Store that can't be read is refused, not handed on") {
  Crafted(a, wire::MessageCode::store_req, Bytes{200, 1}).send(a, b);
  CHECK(refusal() == wire::ErrorCode::invalid_message);
}

TEST_CASE_FIXTURE(Pair, "an error made on the way goes back the way the request came") {
  wire::ForwardingHeader header = update().header;
  header.via_list = {a.id()};
  b.with([&](Context& c) {
    b.messenger.send_hop_error(header, wire::Destination(hop), wire::ErrorCode::ttl_exceeded, {}, c);
  });
  const Outbound error = b.take_one<Outbound>();
  CHECK(error.header.destination_list == wire::DestinationList{hop, a.id()});
  CHECK(error.header.transaction_id == header.transaction_id);
  CHECK(error_of(error).code == wire::ErrorCode::ttl_exceeded);
}
