// What an application asks by the Overlay interface, and what a node next to good and bad neighbours answers it.
#include "reload/overlay/overlay_port.hpp"

#include <doctest/doctest.h>

#include "reload/wire/codec.hpp"
#include "tests/kit/node_bed.hpp"

using namespace reload;
using namespace reload::kit;
using namespace reload::overlay;
using wire::ErrorCode;
using wire::MessageCode;

namespace {

const Cast& cast = Cast::get();

std::string name_of(ByteView bytes) { return std::string(as_text(bytes)); }
Bytes text(std::string_view words) { return to_bytes(as_bytes(words)); }

// A ring of one, and a port to it.
struct Ported {
  NodeBed bed;
  OverlayPort port{bed.node(), [this](node::Input input) { submit(std::move(input)); }};

  explicit Ported(BedOptions options = {}) : bed(std::move(options)) {}

  void submit(node::Input input) {
    std::visit([this](auto& one) { if constexpr (requires { one.id; }) REQUIRE(bed.new_call() == one.id); }, input);
    bed.input(std::move(input));
  }
  // As a driver does after the call has returned.
  void deliver() {
    for (; !bed.events.empty(); bed.events.pop_front()) port.on_event(std::move(bed.events.front()));
    for (; !bed.pipe_data.empty(); bed.pipe_data.pop_front()) port.on_event(std::move(bed.pipe_data.front()));
    for (; !bed.pipes_down.empty(); bed.pipes_down.pop_front()) port.on_event(std::move(bed.pipes_down.front()));
  }
  // With the certificate of the user whose values may be in it.
  void answer(LinkId link, Who who, MessageCode request, Bytes body, std::optional<MessageCode> code = std::nullopt) {
    const auto asked = bed.take(request);
    REQUIRE(asked);
    Letter letter = answer_letter(who, cast.id(Who::node), asked->header, code.value_or(wire::answer_to(request)),
                                  std::move(body));
    const auto& user = cast.credential(Who::user_of_node)->certificate;
    letter.certificates.push_back({wire::CertificateType::x509, to_bytes(user->der.view())});
    bed.deliver(link, letter);
    deliver();
  }

  Outcome<Stored> store(StoreRequest request) {
    std::optional<Outcome<Stored>> result;
    port.store(std::move(request), [&](Outcome<Stored> outcome) { result = std::move(outcome); });
    CHECK_FALSE(result);  // never inside the call
    deliver();
    REQUIRE(result);
    return *result;
  }
  Outcome<std::vector<FetchedValue>> fetch(FetchRequest request) {
    std::optional<Outcome<std::vector<FetchedValue>>> result;
    port.fetch(std::move(request), [&](Outcome<std::vector<FetchedValue>> outcome) { result = std::move(outcome); });
    CHECK_FALSE(result);
    deliver();
    REQUIRE(result);
    return *result;
  }
};

// Where the node itself may store by NODE-MATCH, and its user by USER-NODE-MATCH.
const std::string kNodeName = name_of(cast.id(Who::node).view());
const std::string kUserName = cast.user(Who::user_of_node);
const Bytes kUserKey = to_bytes(cast.id(Who::user_of_node).view());

}  // namespace

TEST_CASE("the port says of its node what it is") {
  Ported node;
  CHECK(node.port.self() == cast.id(Who::node));
  CHECK(node.port.overlay_name() == Cast::kOverlay);
  CHECK(node.port.joined());
  REQUIRE(node.port.kind(Cast::kPrivateKind));
  CHECK(node.port.kind(Cast::kPrivateKind)->max_count == 4);
  CHECK_FALSE(node.port.kind(KindId{77}));
  CHECK(node.port.user_node_id(kUserName) == cast.id(Who::user_of_node));
  CHECK_FALSE(node.port.user_node_id("nobody@kit.example"));
}

TEST_CASE("a DICTIONARY value comes back with its key and signer, by its key or with all, until it is removed") {
  Ported node;
  StoreRequest request{kUserName, wire::kKindSipRegistration, {true, 0, kUserKey, text("here")}, 60, kUserName};
  const auto stored = node.store(request);
  REQUIRE(stored);
  CHECK(stored->generation == 1);
  for (const std::vector<Bytes>& keys : {std::vector<Bytes>{}, std::vector<Bytes>{kUserKey}}) {
    const auto found = node.fetch({kUserName, wire::kKindSipRegistration, keys});
    REQUIRE(found);
    REQUIRE(found->size() == 1);
    const FetchedValue& value = found->front();
    CHECK(value.value.exists);
    CHECK(value.value.key == kUserKey);
    CHECK(value.value.bytes == text("here"));
    CHECK(value.signer == cast.id(Who::user_of_node));
    CHECK(value.signer_user == kUserName);
    CHECK(value.storage_time == to_wire_ms(node.bed.now().wall));
    CHECK(value.lifetime == 60);
  }
  const auto other = node.fetch({kUserName, wire::kKindSipRegistration, {text("another key")}});
  REQUIRE(other);
  CHECK(other->empty());
  request.value.exists = false;  // its bytes do not count then
  REQUIRE(node.store(request));
  const auto left = node.fetch({kUserName, wire::kKindSipRegistration, {}});
  REQUIRE(left);
  CHECK(left->empty());
}

TEST_CASE("ARRAY values come back with their indices, without the gaps between them") {
  Ported node;
  for (const std::uint32_t index : {0U, 2U})
    REQUIRE(node.store({kNodeName, Cast::kPrivateKind, {true, index, {}, text("at " + std::to_string(index))}}));
  const auto found = node.fetch({kNodeName, Cast::kPrivateKind, {}});
  REQUIRE(found);
  REQUIRE(found->size() == 2);
  CHECK(found->at(0).value.index == 0);
  CHECK(found->at(1).value.index == 2);
  CHECK(found->at(1).value.bytes == text("at 2"));
  CHECK(found->at(1).signer == cast.id(Who::node));
  CHECK(found->at(1).lifetime == 3600);
}

TEST_CASE("a SINGLE value is stored and found") {
  Ported node;
  const Bytes number{1};  // 6940 7.3.4: the Resource Name is the Node-ID and a number
  Bytes name = to_bytes(cast.id(Who::node).view());
  append(name, number);
  const auto stored = node.store({name_of(name), wire::kKindTurnService, {true, 0, {}, text("a server")}});
  INFO((stored ? std::string() : stored.error().text));
  REQUIRE(stored);
  const auto found = node.fetch({name_of(name), wire::kKindTurnService, {}});
  REQUIRE(found);
  REQUIRE(found->size() == 1);
  CHECK(found->front().value.bytes == text("a server"));
}

TEST_CASE("what may not be stored is refused with the reason") {
  Ported node;
  // The node itself might store this.
  const auto unknown_user =
      node.store({kNodeName, Cast::kPrivateKind, {true, 0, {}, text("here")}, 60, "nobody@kit.example"});
  REQUIRE_FALSE(unknown_user);
  CHECK(unknown_user.error().code == ErrorCode::forbidden);
  const auto unknown_kind = node.store({kUserName, KindId{77}, {true, 0, {}, text("here")}});
  REQUIRE_FALSE(unknown_kind);
  CHECK(unknown_kind.error().code == ErrorCode::unknown_kind);
  const auto of_another = node.store({"else@kit.example", Cast::kPrivateKind, {true, 0, {}, text("here")}});
  REQUIRE_FALSE(of_another);
  CHECK(of_another.error().code == ErrorCode::forbidden);
  CHECK_FALSE(of_another.error().text.empty());
}

TEST_CASE("6940-7.4.1.2-6: a Store of an old generation that met a newer value is refused as that") {
  Ported node;
  const LinkId link = node.bed.befriend(Who::last);
  node.bed.sent.clear();
  const ResourceId resource = cast.resource(as_bytes(kUserName));
  REQUIRE_FALSE(node.bed.node().route().responsible(resource));
  std::optional<Outcome<Stored>> stored;
  node.port.store({kUserName, wire::kKindSipRegistration, {true, 0, kUserKey, text("here")}, 60, kUserName},
                  [&](Outcome<Stored> outcome) { stored = std::move(outcome); });
  node.answer(link, Who::last, MessageCode::store_req,
              wire::encode(wire::ErrorResponse{ErrorCode::generation_counter_too_low, {}}), MessageCode::error);
  CHECK_FALSE(stored);  // first it asks what is there
  wire::FetchAns newer;
  newer.kind_responses.push_back({wire::kKindSipRegistration, 5, {}, {}});
  newer.kind_responses.front().values.push_back(
      signed_data(Who::user_of_node, resource, wire::kKindSipRegistration, to_wire_ms(node.bed.now().wall) + 1000, 60,
                  wire::DictionaryEntry{kUserKey, {true, text("there")}}));
  node.answer(link, Who::last, MessageCode::fetch_req, wire::encode(newer));
  REQUIRE(stored);
  REQUIRE_FALSE(*stored);
  CHECK(stored->error().code == ErrorCode::generation_counter_too_low);
  CHECK(stored->error().text == "a newer value is stored");
}

TEST_CASE("a Fetch that is refused says so") {
  Ported node;
  const LinkId link = node.bed.befriend(Who::last);
  node.bed.sent.clear();
  std::optional<Outcome<std::vector<FetchedValue>>> fetched;
  node.port.fetch({kUserName, wire::kKindSipRegistration, {}},
                  [&](Outcome<std::vector<FetchedValue>> outcome) { fetched = std::move(outcome); });
  node.answer(link, Who::last, MessageCode::fetch_req, wire::encode(wire::ErrorResponse{ErrorCode::forbidden, {}}),
              MessageCode::error);
  REQUIRE(fetched);
  REQUIRE_FALSE(*fetched);
  CHECK(fetched->error().code == ErrorCode::forbidden);
}

TEST_CASE("what tools ask of other nodes comes back to who asked") {
  Ported node;
  const LinkId link = node.bed.befriend(Who::last);
  node.bed.sent.clear();
  const NodeId last = cast.id(Who::last);

  std::optional<Outcome<node::PingDone>> ping;
  node.port.ping({last}, [&](Outcome<node::PingDone> outcome) { ping = std::move(outcome); });
  node.bed.advance(30ms);
  node.answer(link, Who::last, MessageCode::ping_req, wire::encode(wire::PingAns{}));
  REQUIRE((ping && *ping));
  CHECK((*ping)->responder == last);
  CHECK((*ping)->round_trip == 30ms);

  std::optional<Outcome<node::RouteQueryDone>> route;
  node.port.route_query(last, cast.id(Who::half), [&](Outcome<node::RouteQueryDone> outcome) { route = outcome; });
  node.answer(link, Who::last, MessageCode::route_query_req,
              wire::encode(wire::RouteQueryAns{cast.id(Who::quarter)}));
  REQUIRE((route && *route));
  CHECK((*route)->next_peer == cast.id(Who::quarter));

  std::optional<Outcome<node::ProbeDone>> probe;
  node.port.probe({last}, [&](Outcome<node::ProbeDone> outcome) { probe = std::move(outcome); });
  const wire::ProbeAns told{{wire::make_probe_information(wire::ProbeInformationType::num_resources, 7)}};
  node.answer(link, Who::last, MessageCode::probe_req, wire::encode(told));
  REQUIRE((probe && *probe));
  CHECK((*probe)->answer == told);

  std::optional<Outcome<node::StatDone>> stat;
  node.port.stat({kUserName, wire::kKindSipRegistration, {}}, [&](Outcome<node::StatDone> outcome) { stat = outcome; });
  const wire::StatAns of_none{{{wire::kKindSipRegistration, 3, {}, {}}}};
  node.answer(link, Who::last, MessageCode::stat_req, wire::encode(of_none));
  REQUIRE((stat && *stat));
  CHECK((*stat)->answer.kind_responses.at(0).generation == 3);

  std::optional<Outcome<node::FindDone>> find;
  node.port.find({cast.resource(as_bytes(kUserName)), {wire::kKindSipRegistration}},
                 [&](Outcome<node::FindDone> outcome) { find = std::move(outcome); });
  const wire::FindAns nearest{{{wire::kKindSipRegistration, cast.resource(as_bytes("b"))}}};
  node.answer(link, Who::last, MessageCode::find_req, wire::encode(nearest));
  REQUIRE((find && *find));
  CHECK((*find)->answer == nearest);
  CHECK((*find)->responder == last);

  std::optional<Outcome<node::SendConfigDone>> sent;
  node.port.send_config(last, text(cast.document({})), [&](Outcome<node::SendConfigDone> outcome) { sent = outcome; });
  node.answer(link, Who::last, MessageCode::config_update_req, wire::encode(wire::ConfigUpdateAns{}));
  REQUIRE((sent && *sent));
  CHECK((*sent)->responder == last);
}

TEST_CASE("an error, a malformed answer or none is an error to who asked, with its reason") {
  Ported node;
  const LinkId link = node.bed.befriend(Who::next);
  node.bed.sent.clear();
  std::optional<Outcome<node::RouteQueryDone>> route;
  const auto ask = [&] {
    node.port.route_query(cast.id(Who::next), cast.id(Who::half),
                          [&](Outcome<node::RouteQueryDone> outcome) { route = std::move(outcome); });
  };
  SUBCASE("refused") {
    ask();
    node.answer(link, Who::next, MessageCode::route_query_req,
                wire::encode(wire::ErrorResponse{ErrorCode::not_found, text("no way")}), MessageCode::error);
    REQUIRE((route && !*route));
    CHECK(route->error().code == ErrorCode::not_found);
    CHECK(route->error().text.find("no way") != std::string::npos);
  }
  SUBCASE("malformed") {
    ask();
    node.answer(link, Who::next, MessageCode::route_query_req, {1, 2, 3});
    REQUIRE((route && !*route));
    CHECK(route->error().code == ErrorCode::invalid_message);
  }
  SUBCASE("none") {
    ask();
    node.bed.advance(20s);
    node.deliver();
    REQUIRE((route && !*route));
    CHECK(route->error().code == ErrorCode::request_timeout);
  }
}

TEST_CASE("a document that is offered is taken if it is newer, else refused with the reason") {
  Ported node;
  std::optional<Outcome<node::OfferConfigDone>> offered;
  const auto offer = [&](const DocumentSpec& spec) {
    offered.reset();
    node.port.offer_config(text(cast.document(spec)),
                           [&](Outcome<node::OfferConfigDone> outcome) { offered = std::move(outcome); });
    node.deliver();
    REQUIRE(offered);
  };
  offer({.sequence = 2});
  REQUIRE(*offered);
  CHECK((*offered)->sequence == 2);
  offer({.sequence = 1});
  REQUIRE_FALSE(*offered);
  CHECK_FALSE(offered->error().text.empty());
}

TEST_CASE("an application connection that was asked for carries bytes both ways and ends") {
  Ported node;
  const LinkId link = node.bed.befriend(Who::next);
  node.bed.sent.clear();
  std::vector<std::pair<PipeId, Bytes>> heard;
  std::vector<PipeId> ended;
  node.port.on_pipe_data([&](PipeId pipe, SharedBytes bytes) { heard.emplace_back(pipe, to_bytes(bytes.view())); });
  node.port.on_pipe_closed([&](PipeId pipe, std::string) { ended.push_back(pipe); });
  std::optional<Outcome<Pipe>> result;
  const Bytes list = wire::encode(wire::DestinationList{cast.id(Who::next)});
  node.port.app_attach({list, wire::kApplicationSip}, [&](Outcome<Pipe> outcome) { result = std::move(outcome); });
  node.answer(link, Who::next, MessageCode::app_attach_req, wire::encode(sip_attach(Who::next, "active")));
  CHECK_FALSE(result);  // only when the other side has opened it
  const LinkId pipe = node.bed.link_up(Who::next, wire::kApplicationSip);
  node.deliver();
  REQUIRE((result && *result));
  CHECK((*result)->id == pipe.value);
  CHECK((*result)->remote == cast.id(Who::next));
  CHECK((*result)->remote_user == cast.user(Who::next));

  node.port.pipe_send((*result)->id, SharedBytes(text("INVITE")));
  CHECK(node.bed.sent_on_pipe[pipe] == text("INVITE"));
  node.bed.receive(pipe, text("200 OK"));
  node.deliver();
  CHECK(heard == std::vector{std::pair(pipe.value, text("200 OK"))});

  SUBCASE("by the other side") {
    node.bed.link_down(pipe);
    node.deliver();
    CHECK(ended == std::vector{pipe.value});
  }
  SUBCASE("by the application, which is not told what it did") {
    node.port.pipe_close(pipe.value);
    node.deliver();
    CHECK(node.bed.closed.contains(pipe));
    CHECK(ended.empty());
  }
  node.port.pipe_send(pipe.value, SharedBytes(text("too late")));
  node.port.pipe_close(pipe.value);
  CHECK(node.bed.sent_on_pipe[pipe] == text("INVITE"));
}

TEST_CASE("an application connection to a Destination List that cannot be read fails as one to nobody does") {
  Ported node;
  std::optional<Outcome<Pipe>> result;
  SUBCASE("malformed") {
    node.port.app_attach({{1, 200, 3}, wire::kApplicationSip}, [&](Outcome<Pipe> outcome) { result = outcome; });
  }
  SUBCASE("an application without an address") {
    node.port.app_attach({wire::encode(wire::DestinationList{cast.id(Who::next)}), ApplicationId{99}},
                         [&](Outcome<Pipe> outcome) { result = outcome; });
  }
  node.deliver();
  REQUIRE((result && !*result));
  CHECK_FALSE(result->error().text.empty());
}

TEST_CASE("an application connection of another node is handed to who serves that application") {
  Ported node;
  const LinkId link = node.bed.befriend(Who::next);
  node.bed.sent.clear();
  std::vector<Pipe> incoming;
  node.port.accept_app(wire::kApplicationSip, [&](Pipe pipe) { incoming.push_back(std::move(pipe)); });
  node.bed.deliver(link, letter(Who::next, {cast.id(Who::node)}, MessageCode::app_attach_req,
                                wire::encode(sip_attach(Who::next, "passive")), 9));
  REQUIRE(node.bed.opens.size() == 1);
  CHECK(node.bed.opens.front().application == wire::kApplicationSip);
  node.bed.answer_open(0, Who::next);
  node.deliver();
  REQUIRE(incoming.size() == 1);
  CHECK(incoming.front().remote == cast.id(Who::next));
  CHECK(incoming.front().remote_user == cast.user(Who::next));
}
