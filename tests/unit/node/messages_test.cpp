// What a whole node sends: headers of its own messages, and errors for what it can't do.
#include <doctest/doctest.h>

#include "tests/kit/node_bed.hpp"

using namespace reload;
using namespace reload::kit;
using wire::MessageCode;

namespace {

const Cast& cast = Cast::get();
constexpr TransactionId kTransaction = 4711;

wire::DestinationList to_node() { return {cast.id(Who::node)}; }

Letter ping() {
  return letter(Who::next, to_node(), MessageCode::ping_req, wire::encode(wire::PingReq{}), kTransaction);
}

// The one answer to `request`, sent by Who::next.
NodeBed::Sent answer_to(NodeBed& bed, const Letter& request) {
  const LinkId link = bed.link_up(Who::next);
  bed.sent.clear();
  bed.deliver(link, request);
  std::vector<NodeBed::Sent> answers;
  for (const auto& one : bed.sent)
    if (one.header.transaction_id == request.header.transaction_id) answers.push_back(one);
  REQUIRE(answers.size() == 1);
  CHECK(answers.front().link == link);
  return answers.front();
}

wire::ErrorCode error_for(NodeBed& bed, MessageCode code, Bytes body) {
  const auto answer = answer_to(bed, letter(Who::next, to_node(), code, std::move(body), kTransaction));
  const auto parsed = answer.parsed();
  REQUIRE(parsed);
  CHECK(parsed->code == MessageCode::error);
  const auto error = wire::decode<wire::ErrorResponse>(parsed->body);
  REQUIRE(error);
  return error->code;
}

}  // namespace

TEST_CASE("6940-6.3.2-3: overlay is the last four bytes of the SHA-1 of the overlay's name") {
  NodeBed bed;
  bed.befriend(Who::next);
  bed.input(node::CallPing{bed.new_call(), {cast.id(Who::next)}});
  CHECK(bed.sent.size() > 1);
  for (const auto& one : bed.sent) CHECK(one.header.overlay == 0x8fe5967c);  // of "kit.example"
}

TEST_CASE("6940-6.3.2-21: max_response_length is zero in a response, whatever the request says") {
  for (const std::uint32_t limit : {0u, 3000u, 1u}) {
    NodeBed bed;
    Letter request = ping();
    request.header.max_response_length = limit;
    const auto answer = answer_to(bed, request);
    CHECK(answer.header.max_response_length == 0);
    CHECK(answer.code() == (limit == 1 ? MessageCode::error : MessageCode::ping_ans));
  }
}

TEST_CASE("6940-6.3.2.3-3: a forwarding option copied into a response has none of the three flags") {
  using Option = wire::ForwardingOption;
  NodeBed bed;
  Letter request = ping();
  constexpr std::uint8_t kUnknownFlag = 0x40;
  request.header.options = {{200, Option::kResponseCopy | kUnknownFlag, {1, 2}}, {201, 0, {3}}};
  const auto answer = answer_to(bed, request);
  REQUIRE(answer.header.options.size() == 1);
  const Option& copy = answer.header.options.front();
  CHECK(copy.type == 200);
  CHECK(copy.data == Bytes{1, 2});
  CHECK((copy.flags & (Option::kForwardCritical | Option::kDestinationCritical | Option::kResponseCopy)) == 0);
}

TEST_CASE("6940-6.3.3.1-4: a request that fails is answered with an error_response, whatever it was") {
  const auto error = [](MessageCode code, Bytes body) {
    NodeBed bed;
    return error_for(bed, code, std::move(body));
  };
  wire::FetchReq fetch;
  fetch.resource = ResourceId(cast.id(Who::node).view());
  fetch.specifiers.push_back({KindId{77}, 0, wire::UnknownSpecifier{}});
  CHECK(error(MessageCode::fetch_req, wire::encode(fetch)) == wire::ErrorCode::unknown_kind);
  CHECK(error(MessageCode::stat_req, wire::encode(fetch)) == wire::ErrorCode::unknown_kind);

  wire::StoreReq store;
  store.resource = cast.resource(as_bytes(cast.user(Who::second)));
  auto& kind = store.kind_data.emplace_back();
  kind.kind = wire::kKindCertificateByUser;
  kind.values.push_back(signed_data(Who::next, store.resource, kind.kind, to_wire_ms(NodeBed().now().wall), 60,
                                    wire::ArrayEntry{0, {true, {1}}}));
  CHECK(error(MessageCode::store_req, wire::encode(store)) == wire::ErrorCode::forbidden);

  CHECK(error(MessageCode::join_req, wire::encode(wire::JoinReq{cast.id(Who::second), {}})) ==
        wire::ErrorCode::forbidden);
  wire::AppAttach attach;
  attach.application = wire::kApplicationSip;
  attach.role = to_bytes(as_bytes("passive"));
  CHECK(error(MessageCode::app_attach_req, wire::encode(attach)) == wire::ErrorCode::not_found);
  CHECK(error(MessageCode::attach_req, {1, 2, 3}) == wire::ErrorCode::invalid_message);
  CHECK(error(MessageCode::update_req, {9}) == wire::ErrorCode::invalid_message);
  CHECK(error(MessageCode::exp_a_req, {}) == wire::ErrorCode::invalid_message);
}

TEST_CASE("a request that came again is answered again, by the same bytes, and handled once") {
  NodeBed bed;
  const LinkId link = bed.link_up(Who::next);
  const Bytes request = ping().bytes();
  bed.sent.clear();
  bed.deliver(link, request);
  bed.deliver(link, request);
  std::vector<Bytes> answers;
  for (const auto& one : bed.sent)
    if (one.code() == MessageCode::ping_ans) answers.push_back(one.rest);
  REQUIRE(answers.size() == 2);
  CHECK(answers[0] == answers[1]);
  CHECK(bed.count(Counter::requests_received) == 1);
  CHECK(bed.count(Counter::requests_repeated) == 1);
}

TEST_CASE("a message changed in any byte under the signature, or of elsewhere, brings no answer") {
  const Letter good = ping();
  const Bytes whole = good.bytes();
  const std::size_t rest = good.body().size();
  // Contents, certificate, signature: every 7th byte. Where a certificate is spoilt the signer is unknown.
  for (std::size_t at = whole.size() - rest; at < whole.size(); at += 7) {
    NodeBed bed;
    const LinkId link = bed.link_up(Who::next);
    bed.sent.clear();
    Bytes spoilt = whole;
    spoilt[at] ^= 0x10;
    bed.deliver(link, spoilt);
    CHECK_MESSAGE(bed.sent.empty(), "byte " << at);
    CHECK(bed.count(Counter::requests_received) == 0);
  }
  NodeBed bed;
  const LinkId link = bed.link_up(Who::next);
  bed.sent.clear();
  Letter elsewhere = good;
  elsewhere.header.overlay ^= 1;
  bed.deliver(link, elsewhere);
  Letter version = good;
  version.header.version = 0x0b;
  bed.deliver(link, version);
  Letter foreign = letter(Who::of_other_overlay, to_node(), MessageCode::ping_req, wire::encode(wire::PingReq{}), 5);
  bed.deliver(link, foreign);
  Letter banned = letter(Who::banned, to_node(), MessageCode::ping_req, wire::encode(wire::PingReq{}), 6);
  bed.deliver(link, banned);
  Letter expired = letter(Who::expired, to_node(), MessageCode::ping_req, wire::encode(wire::PingReq{}), 7);
  bed.deliver(link, expired);
  CHECK(bed.sent.empty());
  CHECK(bed.count(Counter::wrong_overlay) == 1);
  CHECK(bed.count(Counter::wrong_version) == 1);
  CHECK(bed.count(Counter::certificates_refused) == 3);
}
