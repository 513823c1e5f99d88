#include "reload/connect/connect.hpp"

#include <doctest/doctest.h>

#include "reload/base/limits.hpp"
#include "sim/fake_crypto.hpp"
#include "tests/unit/forwarding/fake_route.hpp"

using namespace reload;
using namespace reload::connect;
using messaging::AnswerStatus;
using messaging::SendAnswer;
using messaging::SendError;
using messaging::SendRequest;
using messaging::UpdateWanted;
using test::at;
using test::node;
using test::resource;
using wire::ErrorCode;
using wire::MessageCode;

namespace {

constexpr ApplicationId kSip = wire::kApplicationSip;

wire::IpAddressPort address(std::uint16_t port) {
  wire::IpAddressPort result;
  result.address = {127, 0, 0, 1};
  result.port = port;
  return result;
}

security::CertificatePtr certificate(std::vector<NodeId> ids, std::uint8_t key = 0) {
  auto made = std::make_shared<security::Certificate>();
  made->node_ids = std::move(ids);
  made->public_key_info = Bytes{key};
  made->hash.fill(key);
  made->hash[0] = made->node_ids[0].view()[0];
  return made;
}

// One node's Connect, with what it wants done taken apart.
struct Side {
  NodeId self;
  security::Signer signer;
  Connect connect;
  Prng rng{1};
  Counters counters;
  config::OverlayConfig config;
  test::FakeRoute route;
  sim::FakeCrypto crypto;
  messaging::Effects effects;
  Duration now = 0s;
  std::uint64_t requests = 0;
  Bytes body;  // of the request or answer given last: messaging hands out views

  explicit Side(std::uint8_t n, ConnectOptions options = own_options())
      : self(node(n)), signer{certificate({node(n)}), node(n)}, connect(std::move(options)) {}

  static ConnectOptions own_options() {
    ConnectOptions options;
    options.overlay_candidates = {address(6084), address(6085)};
    options.applications = {{kSip, {address(5060)}}};
    return options;
  }
  template <class F>
  void run(F&& step) {
    messaging::Context context{at(now), self, rng, counters, config, crypto, route, effects};
    step(context);
  }
  void attach(std::uint64_t number, wire::DestinationList to, bool send_update = false) {
    run([&](auto& context) { connect.attach(number, std::move(to), send_update, context); });
  }
  void app_attach(std::uint64_t id, const NodeId& to, ApplicationId application = kSip) {
    run([&](auto& context) { connect.app_attach(ApiId{id}, {to}, application, context); });
  }
  void request(const security::Signer& from, MessageCode code, Bytes bytes) {
    body = std::move(bytes);
    messaging::Request request;
    request.id = RequestId{++requests};
    request.code = code;
    request.body = body;
    request.signer = from;
    run([&](auto& context) { connect.on_request(request, context); });
  }
  void answer(const messaging::Token& token, const security::Signer& from, Bytes bytes,
              AnswerStatus status = AnswerStatus::ok, ErrorCode error = ErrorCode::invalid) {
    body = std::move(bytes);
    messaging::Answer answer;
    answer.status = status;
    answer.error = error;
    answer.body = body;
    answer.signer = from;
    run([&](auto& context) { connect.on_answer(token, answer, context); });
  }
  void overlay_link(std::uint64_t link, const security::Signer& peer, std::uint64_t attempt = 0) {
    run([&](auto& context) { connect.on_overlay_link(attempt, LinkId{link}, peer, attempt == 0, context); });
  }
  void app_link(std::uint64_t link, const security::Signer& peer, std::uint64_t attempt = 0,
                ApplicationId application = kSip) {
    run([&](auto& context) { connect.on_app_link(attempt, LinkId{link}, peer, application, attempt == 0, context); });
  }
  void tick(Duration when) {
    now = when;
    run([&](auto& context) { connect.on_timer(context); });
  }
  // The only effect of this type; they are all taken.
  template <class T>
  std::optional<T> effect() {
    std::optional<T> found;
    for (messaging::Effect& effect : effects) {
      if (auto* wanted = std::get_if<T>(&effect)) found = std::move(*wanted);
    }
    std::erase_if(effects, [](const auto& effect) { return std::holds_alternative<T>(effect); });
    return found;
  }
  template <class T>
  std::vector<T> events() {
    std::vector<T> found;
    for (ConnectEvent& event : connect.take_events()) {
      if (auto* wanted = std::get_if<T>(&event)) found.push_back(std::move(*wanted));
    }
    return found;
  }
  // The code of the error sent; invalid if none was.
  ErrorCode error() {
    const auto sent = effect<SendError>();
    return sent ? sent->code : ErrorCode::invalid;
  }
};

Bytes attach_body(std::string_view role, std::vector<wire::IceCandidate> candidates, bool send_update = false) {
  return wire::encode(wire::Attach{{}, {}, to_bytes(as_bytes(role)), std::move(candidates), send_update});
}
wire::IceCandidate candidate(std::uint16_t port, std::uint32_t priority = 1) {
  wire::IceCandidate result;
  result.address = address(port);
  result.overlay_link = 4;
  result.foundation = {'1'};
  result.priority = priority;
  return result;
}
Bytes request_body(bool send_update = false) { return attach_body("passive", {candidate(7000)}, send_update); }
Bytes answer_body(bool send_update = false) { return attach_body("active", {candidate(7000)}, send_update); }
Bytes app_body(std::string_view role = "passive", ApplicationId application = kSip) {
  return wire::encode(wire::AppAttach{{}, {}, application, to_bytes(as_bytes(role)), {candidate(7000)}});
}
security::Signer signer(std::uint8_t n) { return {certificate({node(n)}), node(n)}; }

}  // namespace

// The requester.

TEST_CASE(
    "6940-6.5.1.1-6 6940-6.6.5-5 6940-6.5.1.1-11 6940-11.1-30: an Attach offers listening No-ICE host candidates, "
    "passively") {
  Side side(10);
  side.config.no_ice = true;
  side.attach(1, {node(20)}, true);
  const auto sent = side.effect<SendRequest>();
  REQUIRE(sent);
  CHECK(sent->code == MessageCode::attach_req);
  CHECK(sent->to == wire::DestinationList{node(20)});
  CHECK(sent->token.owner == messaging::Owner::connect);
  const auto message = wire::decode<wire::Attach>(sent->body);
  REQUIRE(message);
  CHECK(as_text(message->role) == "passive");
  CHECK(message->send_update);
  REQUIRE(message->candidates.size() == 2);
  for (const wire::IceCandidate& offered : message->candidates) {
    CHECK(offered.overlay_link == 4);
    CHECK(offered.type == wire::CandidateType::host);
    CHECK_FALSE(offered.foundation.empty());
  }
  CHECK(message->candidates[0].address == address(6084));
  CHECK(message->candidates[0].priority == (126u << 24 | 65535u << 8 | 255u));
  CHECK(message->candidates[1].priority == (126u << 24 | 65534u << 8 | 255u));
}

TEST_CASE("6940-6.5.1.2-10 6940-6.5.1.13-1: after the answer the requester, as TLS server, waits for the link") {
  Side side(10);
  side.attach(7, {resource(1)});
  const auto sent = side.effect<SendRequest>();
  side.answer(sent->token, signer(20), answer_body(true));
  CHECK(side.connect.take_events().empty());  // opens none itself
  side.overlay_link(1, signer(21));           // somebody else's
  CHECK(side.connect.take_events().empty());
  side.overlay_link(2, signer(20));
  const auto done = side.events<AttachDone>();
  REQUIRE(done.size() == 1);
  CHECK(done[0].number == 7);
  CHECK(done[0].node.value() == node(20));
  CHECK(side.effect<UpdateWanted>()->node == node(20));  // the answer asked for it
  CHECK_FALSE(side.connect.next_deadline());
}

TEST_CASE("the link may be faster than the answer, but not older than the request") {
  Side side(10);
  side.overlay_link(1, signer(20));
  side.attach(7, {node(20)});
  const auto sent = side.effect<SendRequest>();
  SUBCASE("new link") {
    side.overlay_link(2, signer(20));
    side.answer(sent->token, signer(20), answer_body());
    CHECK(side.events<AttachDone>().size() == 1);
    CHECK_FALSE(side.effect<UpdateWanted>());
  }
  SUBCASE("old link only") {
    side.answer(sent->token, signer(20), answer_body());
    CHECK(side.events<AttachDone>().empty());
  }
}

TEST_CASE("an Attach fails when it is answered with an error, not at all, or badly") {
  Side side(10);
  side.attach(7, {node(20)});
  const messaging::Token token = side.effect<SendRequest>()->token;
  std::string why;
  SUBCASE("error") {
    side.answer(token, signer(20), to_bytes(as_bytes("gone")), AnswerStatus::error, ErrorCode::not_found);
    why = "Error_Not_Found: gone";
  }
  SUBCASE("time-out") { side.answer(token, {}, {}, AnswerStatus::timed_out); }
  SUBCASE("unroutable") { side.answer(token, {}, {}, AnswerStatus::unroutable); }
  SUBCASE("malformed") { side.answer(token, signer(20), {1, 2, 3}); }
  SUBCASE("wrong role") { side.answer(token, signer(20), request_body()); }
  const auto done = side.events<AttachDone>();
  REQUIRE(done.size() == 1);
  CHECK(done[0].number == 7);
  REQUIRE_FALSE(done[0].node);
  CHECK(done[0].node.error().text.find(why) != std::string::npos);
  side.answer(token, signer(20), answer_body());  // nobody waits any more
  CHECK(side.connect.take_events().empty());
}

TEST_CASE("a link that does not come in five reliability timers after the answer fails the Attach") {
  Side side(10);
  side.attach(7, {node(20)});
  CHECK_FALSE(side.connect.next_deadline());  // the request has its own end
  side.answer(side.effect<SendRequest>()->token, signer(20), answer_body());
  REQUIRE(side.connect.next_deadline() == Mono(15s));
  side.tick(15s - 1us);
  CHECK(side.connect.take_events().empty());
  side.tick(15s);
  CHECK_FALSE(side.events<AttachDone>().at(0).node);
  CHECK_FALSE(side.connect.next_deadline());
}

TEST_CASE("a node without a listener cannot attach without ICE, and says so at once") {
  Side side(10, ConnectOptions{});
  side.attach(7, {node(20)});
  CHECK_FALSE(side.effect<SendRequest>());
  CHECK_FALSE(side.events<AttachDone>().at(0).node);
}

TEST_CASE("the node of the link is the one that signed, of the several its certificate has") {
  Side side(10);
  const security::Signer several{certificate({node(20), node(21)}), {}};
  side.attach(7, {node(21)});
  const auto sent = side.effect<SendRequest>();
  side.answer(sent->token, {several.certificate, node(21)}, answer_body());
  side.overlay_link(1, several);
  const auto events = side.connect.take_events();
  REQUIRE(events.size() == 2);
  CHECK(std::get<BindLink>(events[0]).node == node(21));
  CHECK(std::get<AttachDone>(events[1]).node.value() == node(21));
}

// The answering side.

TEST_CASE("6940-6.5.1.2-2 6940-6.5.1.2-3 6940-6.5.1.13-2: an Attach is answered, and the answerer opens the link") {
  Side side(10);
  std::vector<wire::IceCandidate> offered{candidate(7001, 5),  candidate(7002, 9), candidate(7003, 99),
                                          candidate(7004, 98), candidate(7005, 7), candidate(0, 100)};
  offered[2].overlay_link = 1;  // trap 25: what is not known or not host is skipped
  offered[3].type = wire::CandidateType::srflx;
  offered[3].related = address(1);
  side.request(signer(20), MessageCode::attach_req, attach_body("passive", offered, true));
  const auto sent = side.effect<SendAnswer>();
  REQUIRE(sent);
  const auto answer = wire::decode<wire::Attach>(sent->body);
  REQUIRE(answer);
  CHECK(as_text(answer->role) == "active");
  const auto open = side.events<OpenTo>();
  REQUIRE(open.size() == 1);
  CHECK(open[0].addresses == std::vector{address(7002), address(7005), address(7001)});
  CHECK_FALSE(open[0].application);
  CHECK_FALSE(side.effect<UpdateWanted>());
  side.overlay_link(1, signer(20), open[0].attempt);
  CHECK(side.connect.take_events().empty());
  CHECK(side.effect<UpdateWanted>()->node == node(20));
}

TEST_CASE("6940-6.5.1.11-2 6940-6.5.1.11-3 6940-6.5.1.13-4: a link whose certificate is not the signer's is closed") {
  Side side(10);
  side.request(signer(20), MessageCode::attach_req, request_body(true));
  const auto open = side.events<OpenTo>();
  side.overlay_link(4, signer(21), open.at(0).attempt);
  const auto closed = side.events<CloseUnwanted>();
  REQUIRE(closed.size() == 1);
  CHECK(closed[0].link == LinkId{4});
  CHECK_FALSE(side.effect<UpdateWanted>());
  CHECK(side.counters.get(Counter::links_refused) == 1);
  CHECK_FALSE(side.connect.next_deadline());
}

TEST_CASE("guide 8.5: in a self-signed overlay the key counts, not only the Node-ID in the certificate") {
  Side side(10);
  side.config.self_signed_digest = config::NodeIdDigest::sha1;
  side.request(signer(20), MessageCode::attach_req, request_body());
  const std::uint64_t attempt = side.events<OpenTo>().at(0).attempt;
  SUBCASE("another key") {
    side.overlay_link(4, {certificate({node(20)}, 9), node(20)}, attempt);
    CHECK(side.events<CloseUnwanted>().size() == 1);
  }
  SUBCASE("the same key") {
    side.overlay_link(4, signer(20), attempt);
    CHECK(side.events<CloseUnwanted>().empty());
  }
}

TEST_CASE("what no link can come of is refused") {
  Side side(10);
  SUBCASE("malformed") { side.request(signer(20), MessageCode::attach_req, {1, 2, 3}); }
  SUBCASE("wrong role") { side.request(signer(20), MessageCode::attach_req, attach_body("active", {candidate(1)})); }
  SUBCASE("actpass, only for applications") {
    side.request(signer(20), MessageCode::attach_req, attach_body("actpass", {candidate(1)}));
  }
  SUBCASE("no candidate") { side.request(signer(20), MessageCode::attach_req, attach_body("passive", {})); }
  CHECK(side.error() == ErrorCode::invalid_message);
  CHECK_FALSE(side.effect<SendAnswer>());
  CHECK(side.connect.take_events().empty());
}

TEST_CASE("an own Attach that comes home is not answered with a link to oneself") {
  Side side(10);
  side.request(side.signer, MessageCode::attach_req, request_body());
  CHECK(side.error() == ErrorCode::not_found);
}

TEST_CASE("one Attach makes a node try a bounded number of addresses") {
  Side side(10);
  std::vector<wire::IceCandidate> many;
  for (std::uint16_t i = 1; i <= 100; ++i) many.push_back(candidate(i, i));
  side.request(signer(20), MessageCode::attach_req, attach_body("passive", many));
  const auto open = side.events<OpenTo>();
  REQUIRE(open.at(0).addresses.size() == limits::kMaxCandidatesTried);
  CHECK(open[0].addresses[0] == address(100));
}

TEST_CASE("6940-6.5.1.2-9: when too many are under way, the next is refused, in and out") {
  Side side(10);
  for (std::size_t i = 0; i < limits::kMaxPendingAttaches; ++i) {
    side.request(signer(20), MessageCode::attach_req, request_body());
  }
  CHECK(side.events<OpenTo>().size() == limits::kMaxPendingAttaches);
  CHECK(side.error() == ErrorCode::invalid);
  side.request(signer(20), MessageCode::attach_req, request_body());
  CHECK(side.error() == ErrorCode::request_timeout);
  side.attach(1, {node(30)});
  CHECK_FALSE(side.events<AttachDone>().at(0).node);
  side.tick(15s);
  side.request(signer(20), MessageCode::attach_req, request_body());
  CHECK(side.error() == ErrorCode::invalid);
}

TEST_CASE("a link that could not be opened, or comes too late, ends the attempt") {
  Side side(10);
  side.request(signer(20), MessageCode::attach_req, request_body());
  const std::uint64_t attempt = side.events<OpenTo>().at(0).attempt;
  SUBCASE("could not") {
    side.run([&](auto& context) { side.connect.on_open_failed(attempt, "refused", context); });
  }
  SUBCASE("too late") { side.tick(15s); }
  CHECK_FALSE(side.connect.next_deadline());
  side.overlay_link(1, signer(20), attempt);
  CHECK(side.events<CloseUnwanted>().size() == 1);
}

// Glare: 6940 6.5.1.2.

TEST_CASE("6940-6.5.1.2-1 6940-6.5.1.2-5 6940-6.5.1.2-6 6940-6.5.1.2-7: the smaller Node-ID gives up its own Attach") {
  Side side(10);
  side.attach(7, {node(20)});
  const auto sent = side.effect<SendRequest>();
  side.request(signer(20), MessageCode::attach_req, request_body());
  const auto cancelled = side.effect<messaging::CancelRequest>();
  REQUIRE(cancelled);
  CHECK(cancelled->token == sent->token);
  CHECK(side.effect<SendAnswer>());
  const auto open = side.events<OpenTo>();
  REQUIRE(open.size() == 1);
  SUBCASE("the other's link is the one that was wanted") {
    side.overlay_link(1, signer(20), open[0].attempt);
    CHECK(side.events<AttachDone>().at(0).node.value() == node(20));
  }
  SUBCASE("and if it fails both have failed") {
    side.run([&](auto& context) { side.connect.on_open_failed(open[0].attempt, "refused", context); });
    CHECK_FALSE(side.events<AttachDone>().at(0).node);
  }
  CHECK_FALSE(side.connect.next_deadline());
}

TEST_CASE("6940-6.5.1.2-8: the larger Node-ID answers Error_In_Progress and goes on with its own") {
  Side side(30);
  side.attach(7, {node(20)});
  const auto sent = side.effect<SendRequest>();
  side.request(signer(20), MessageCode::attach_req, request_body());
  CHECK(side.error() == ErrorCode::in_progress);
  CHECK_FALSE(side.effect<messaging::CancelRequest>());
  side.answer(sent->token, signer(20), answer_body());
  side.overlay_link(1, signer(20));
  CHECK(side.events<AttachDone>().at(0).node.has_value());
}

TEST_CASE("6940-6.5.1.2-4: while an answered Attach of ours waits for its link, the other side's is in progress") {
  Side side(10);  // the smaller one: this is not the tie-breaker
  side.attach(7, {resource(1)});
  side.answer(side.effect<SendRequest>()->token, signer(20), answer_body());
  side.request(signer(20), MessageCode::attach_req, request_body());
  CHECK(side.error() == ErrorCode::in_progress);
  side.request(signer(21), MessageCode::attach_req, request_body());
  CHECK(side.error() == ErrorCode::invalid);
}

TEST_CASE("6940-6.5.1.2-4: the Update that a refused Attach asked for is sent when our own has made the link") {
  for (const bool answered : {false, true}) {
    Side side(30);
    side.attach(7, {node(20)});
    const auto sent = side.effect<SendRequest>();
    if (answered) side.answer(sent->token, signer(20), answer_body());
    side.request(signer(20), MessageCode::attach_req, request_body(true));
    CHECK(side.error() == ErrorCode::in_progress);
    if (!answered) side.answer(sent->token, signer(20), answer_body());
    side.overlay_link(1, signer(20));
    const auto wanted = side.effect<messaging::UpdateWanted>();
    REQUIRE(wanted);
    CHECK(wanted->node == node(20));
  }
}

TEST_CASE("whose Attach met Error_In_Progress gets the link of the other side's") {
  Side side(10);
  side.attach(7, {node(20)});
  const auto sent = side.effect<SendRequest>();
  side.answer(sent->token, signer(20), {}, AnswerStatus::error, ErrorCode::in_progress);
  CHECK(side.connect.take_events().empty());
  side.request(signer(20), MessageCode::attach_req, request_body());
  CHECK(side.error() == ErrorCode::invalid);
  side.overlay_link(1, signer(20), side.events<OpenTo>().at(0).attempt);
  CHECK(side.events<AttachDone>().at(0).node.value() == node(20));
}

// T52.

TEST_CASE("T52: a new link to the same node replaces the old one, which the larger Node-ID closes a little later") {
  Side side(30);
  side.overlay_link(1, signer(20));
  side.attach(7, {node(20)});
  side.answer(side.effect<SendRequest>()->token, signer(20), answer_body());
  side.overlay_link(2, signer(20));
  CHECK(side.events<AttachDone>().size() == 1);
  REQUIRE(side.connect.next_deadline() == Mono(limits::kReplacedLinkTime));
  SUBCASE("as it should") {
    side.tick(limits::kReplacedLinkTime);
    const auto closed = side.events<CloseUnwanted>();
    REQUIRE(closed.size() == 1);
    CHECK(closed[0].link == LinkId{1});
  }
  SUBCASE("unless the new one is gone by then") {
    side.connect.on_link_down(LinkId{2});
    side.tick(limits::kReplacedLinkTime);
    CHECK(side.events<CloseUnwanted>().empty());
  }
  CHECK_FALSE(side.connect.next_deadline());
}

TEST_CASE("T52: the smaller Node-ID leaves closing to the other side") {
  Side side(10);
  side.overlay_link(1, signer(20));
  side.overlay_link(2, signer(20));
  side.overlay_link(3, signer(21));
  CHECK_FALSE(side.connect.next_deadline());
}

TEST_CASE("a link without an Attach is welcome: a joining node's or a client's") {
  Side side(30);
  side.overlay_link(1, signer(20));
  CHECK(side.connect.take_events().empty());
  CHECK_FALSE(side.connect.next_deadline());
}

// AppAttach.

TEST_CASE("6940-6.5.2.2-2: an application connection comes up for its call, and only from the node that answered") {
  Side side(10);
  side.app_attach(3, node(20));
  const auto sent = side.effect<SendRequest>();
  REQUIRE(sent);
  CHECK(sent->code == MessageCode::app_attach_req);
  const auto message = wire::decode<wire::AppAttach>(sent->body);
  REQUIRE(message);
  CHECK(message->application == kSip);
  CHECK(message->candidates.at(0).address == address(5060));
  side.answer(sent->token, signer(20), app_body("active"));
  side.app_link(1, signer(21));
  CHECK(side.events<CloseUnwanted>().size() == 1);
  side.app_link(2, signer(20), 0, ApplicationId{99});
  CHECK(side.events<CloseUnwanted>().size() == 1);
  side.app_link(3, signer(20));
  const auto done = side.events<AppAttachDone>();
  REQUIRE(done.size() == 1);
  CHECK(done[0].id == ApiId{3});
  CHECK(done[0].pipe.value() == LinkId{3});
  CHECK(done[0].remote == node(20));
}

TEST_CASE("several calls to one node get their connections in the order of the calls") {
  Side side(10);
  side.app_attach(3, node(20));
  const auto first = side.effect<SendRequest>();
  side.app_attach(4, node(20));
  const auto second = side.effect<SendRequest>();
  side.answer(second->token, signer(20), app_body("active"));
  side.answer(first->token, signer(20), app_body("active"));
  side.app_link(1, signer(20));
  side.app_link(2, signer(20));
  const auto done = side.events<AppAttachDone>();
  REQUIRE(done.size() == 2);
  CHECK(done[0].id == ApiId{3});
  CHECK(done[0].pipe.value() == LinkId{1});
  CHECK(done[1].pipe.value() == LinkId{2});
}

TEST_CASE("an application link before the answer waits for it, for a bounded time") {
  Side side(10);
  side.app_attach(3, node(20));
  const auto sent = side.effect<SendRequest>();
  side.app_link(1, signer(20));
  CHECK(side.connect.take_events().empty());
  SUBCASE("answered") {
    side.answer(sent->token, signer(20), app_body("active"));
    CHECK(side.events<AppAttachDone>().at(0).pipe.value() == LinkId{1});
    CHECK_FALSE(side.connect.next_deadline());
  }
  SUBCASE("never") {
    REQUIRE(side.connect.next_deadline() == Mono(15s));
    side.tick(15s);
    CHECK(side.events<CloseUnwanted>().at(0).link == LinkId{1});
  }
}

TEST_CASE("a call fails with the error of the answer") {
  Side side(10);
  side.app_attach(3, node(20));
  side.answer(side.effect<SendRequest>()->token, signer(20), {}, AnswerStatus::error, ErrorCode::not_found);
  CHECK(side.events<AppAttachDone>().at(0).pipe.error().first == ErrorCode::not_found);
  side.app_attach(4, node(20), ApplicationId{99});  // no listener for it
  CHECK(side.events<AppAttachDone>().at(0).id == ApiId{4});
}

TEST_CASE("6940-6.5.2.2-3: an application that is not served here is not found") {
  Side side(10);
  side.request(signer(20), MessageCode::app_attach_req, app_body());
  CHECK(side.error() == ErrorCode::not_found);
  CHECK_FALSE(side.effect<SendAnswer>());
}

TEST_CASE("6940-6.5.2.2-1: an application that is served is answered, its connection opened and handed over") {
  Side side(10);
  side.connect.accept_app(kSip);
  for (const char* role : {"passive", "actpass"}) {  // trap 16
    side.request(signer(20), MessageCode::app_attach_req, app_body(role));
    const auto sent = side.effect<SendAnswer>();
    REQUIRE(sent);
    const auto answer = wire::decode<wire::AppAttach>(sent->body);
    CHECK(as_text(answer->role) == "active");
    CHECK(answer->application == kSip);
    const auto open = side.events<OpenTo>();
    REQUIRE(open.size() == 1);
    CHECK(open[0].application == kSip);
    side.app_link(open[0].attempt, signer(20), open[0].attempt);
    const auto accepted = side.events<AppAccepted>();
    REQUIRE(accepted.size() == 1);
    CHECK(accepted[0].remote == node(20));
    CHECK(accepted[0].application == kSip);
  }
}

TEST_CASE("an application link to the wrong node is closed and hands nothing over") {
  Side side(10);
  side.connect.accept_app(kSip);
  side.request(signer(20), MessageCode::app_attach_req, app_body());
  side.app_link(1, signer(21), side.events<OpenTo>().at(0).attempt);
  const auto events = side.connect.take_events();
  REQUIRE(events.size() == 1);
  CHECK(std::holds_alternative<CloseUnwanted>(events[0]));
}
