// A new document goes on to every link at once; who missed changes of signers finds back; tools may send one.
#include <doctest/doctest.h>

#include "tests/kit/node_bed.hpp"

using namespace reload;
using namespace reload::kit;
using wire::MessageCode;

namespace {

const Cast& cast = Cast::get();

Bytes update_of(const DocumentSpec& spec) {
  return wire::encode(
      wire::ConfigUpdateReq{wire::ConfigUpdateType::config, to_bytes(as_bytes(cast.document(spec))), {}});
}

struct SpreadBed {
  NodeBed bed;
  std::map<Who, LinkId> links;
  TransactionId transaction = 500;

  SpreadBed() {
    for (const Who who : {Who::next, Who::second, Who::half}) links[who] = bed.befriend(who);
    bed.sent.clear();
  }
  // What the node answers `from`; the rest of what it sends stays in bed.sent.
  wire::MessageContents update(Who from, const DocumentSpec& spec) {
    Letter offer = letter(from, {cast.id(Who::node)}, MessageCode::config_update_req, update_of(spec), ++transaction);
    offer.header.configuration_sequence = wire::kAnyConfigSequence;
    bed.deliver(links.at(from), offer);
    const auto answer = std::find_if(bed.sent.begin(), bed.sent.end(),
                                     [&](const auto& one) { return one.header.transaction_id == transaction; });
    REQUIRE(answer != bed.sent.end());
    const auto parsed = answer->parsed();
    wire::MessageContents contents{parsed->code, to_bytes(parsed->body), {}};
    bed.sent.erase(answer);
    return contents;
  }
  wire::ErrorResponse refusal(Who from, const DocumentSpec& spec) {
    const auto answer = update(from, spec);
    REQUIRE(answer.code == MessageCode::error);
    return *wire::decode<wire::ErrorResponse>(answer.body);
  }
  // Whom the document of `spec` was sent since the last call.
  std::multiset<Who> told(const DocumentSpec& spec) {
    std::multiset<Who> whom;
    while (const auto sent = bed.take(MessageCode::config_update_req)) {
      CHECK(equal(sent->parsed()->body, update_of(spec)));
      CHECK(sent->header.configuration_sequence == wire::kAnyConfigSequence);
      CHECK(sent->header.ttl == 1);  // it arrives where a lower initial-ttl is in force
      whom.insert(bed.links.at(sent->link));
    }
    return whom;
  }
  node::ApiResult<node::OfferConfigDone> fetched(const DocumentSpec& spec) {
    bed.input(node::CallOfferConfig{bed.new_call(), to_bytes(as_bytes(cast.document(spec)))});
    REQUIRE(bed.events.size() == 1);
    const node::ApiEvent event = std::move(bed.events.front());
    bed.events.pop_front();
    return std::get<node::ApiResult<node::OfferConfigDone>>(event.result);
  }
};

const DocumentSpec kNext{.sequence = 2};
const DocumentSpec kRolled{.sequence = 3, .rolled_signer = true};
const DocumentSpec kCrossSigned{.sequence = 3, .rolled_signer = true, .cross_signed = true};

}  // namespace

TEST_CASE("6940-4.1-1: a document that is accepted is sent on over every other link at once, and once") {
  SpreadBed s;
  CHECK(s.update(Who::next, kNext).code == MessageCode::config_update_ans);
  CHECK(s.told(kNext) == std::multiset{Who::second, Who::half});
  // It comes back over the other links; that changes nothing and goes no further.
  const auto known = s.refusal(Who::second, kNext);
  CHECK(known.code == wire::ErrorCode::config_too_old);
  CHECK(as_text(known.info).find("in force here already") != std::string_view::npos);
  CHECK(s.told(kNext).empty());
  CHECK(s.bed.count(Counter::config_updates_accepted) == 1);
  CHECK(s.bed.count(Counter::config_updates_refused) == 0);
  CHECK(s.bed.refused_configs.empty());
}

TEST_CASE("a document that was fetched goes to all, and one that follows soon does too") {
  SpreadBed s;
  REQUIRE(s.fetched(kNext));
  CHECK(s.told(kNext) == std::multiset{Who::next, Who::second, Who::half});
  REQUIRE(s.fetched({.sequence = 3}));
  CHECK(s.told({.sequence = 3}) == std::multiset{Who::next, Who::second, Who::half});
}

TEST_CASE("who sends with the larger initial-ttl of an older document is told of the newer one") {
  SpreadBed s;
  REQUIRE(s.fetched(kNext));
  CHECK(s.told(kNext).size() == 3);
  s.bed.advance(20s);
  s.bed.sent.clear();
  for (const std::uint16_t sequence : {std::uint16_t{2}, std::uint16_t{1}}) {
    Letter ping =
        letter(Who::half, {cast.id(Who::node)}, MessageCode::ping_req, wire::encode(wire::PingReq{}), 700U + sequence);
    ping.header.ttl = 101;
    ping.header.configuration_sequence = sequence;
    s.bed.deliver(s.links.at(Who::half), ping);
    CHECK(s.told(kNext).size() == (sequence == 1 ? 1U : 0U));
  }
}

TEST_CASE("a refused document goes nowhere, and Kinds alone send no document") {
  SpreadBed s;
  CHECK(s.refusal(Who::next, {.sequence = 2, .wrong_signer = true}).code == wire::ErrorCode::forbidden);
  CHECK(s.told(kNext).empty());
  const Bytes block = cast.config()->kinds.find(Cast::kPrivateKind)->kind_block;
  NodeBed bed({.document = {.drops_private_kind = true}});
  const LinkId link = bed.befriend(Who::next);
  bed.befriend(Who::half);
  bed.sent.clear();
  Letter kinds = letter(Who::next, {cast.id(Who::node)}, MessageCode::config_update_req,
                        wire::encode(wire::ConfigUpdateReq{wire::ConfigUpdateType::kind, {}, {block}}), 7);
  kinds.header.configuration_sequence = wire::kAnyConfigSequence;
  bed.deliver(link, kinds);
  CHECK(bed.take(MessageCode::config_update_ans));
  CHECK_FALSE(bed.take(MessageCode::config_update_req));
}

TEST_CASE("6940-6.5.4.2-7: who missed a change of signers can only fetch the document again, and is told so") {
  SpreadBed s;
  CHECK(s.refusal(Who::next, kRolled).code == wire::ErrorCode::forbidden);
  REQUIRE(s.bed.refused_configs.size() == 1);
  CHECK(s.bed.refused_configs.front().fetch);
  CHECK(s.bed.refused_configs.front().reason.find("not among those who may sign it") != std::string::npos);
  CHECK(s.bed.node().config().sequence == 1);
  REQUIRE(s.fetched(kRolled));
  CHECK(s.bed.node().config().sequence == 3);
  CHECK(s.bed.node().config().is_configuration_signer(cast.id(Who::second)));
  // From then on the new signer's word counts, and the old one's does not.
  CHECK(s.refusal(Who::next, {.sequence = 4}).code == wire::ErrorCode::forbidden);
  CHECK(s.update(Who::next, {.sequence = 5, .rolled_signer = true}).code == MessageCode::config_update_ans);
}

TEST_CASE("6940-11.1-68: the very next document must be signed by a signer of the current one, fetched or not") {
  SpreadBed s;
  const DocumentSpec usurped{.sequence = 2, .rolled_signer = true};
  CHECK(s.refusal(Who::next, usurped).code == wire::ErrorCode::forbidden);
  REQUIRE(s.bed.refused_configs.size() == 1);
  CHECK_FALSE(s.bed.refused_configs.front().fetch);
  const auto done = s.fetched(usurped);
  REQUIRE_FALSE(done);
  CHECK(done.error().code == wire::ErrorCode::forbidden);
  CHECK(s.bed.node().config().sequence == 1);
}

TEST_CASE(
    "a fetched document of an unknown signer is not taken if nobody of its own signed it, or it excludes this node") {
  SpreadBed s;
  CHECK_FALSE(s.fetched({.sequence = 9, .wrong_signer = true}));
  const auto excluded = s.fetched({.sequence = 9, .bans = Who::node, .rolled_signer = true});
  REQUIRE_FALSE(excluded);
  CHECK(excluded.error().text.find("this node's own certificate") != std::string::npos);
  CHECK_FALSE(s.bed.left);
  CHECK(s.bed.node().config().sequence == 1);
}

TEST_CASE("a document that a former signer has signed too reaches those who missed the change") {
  SpreadBed s;
  CHECK(s.update(Who::next, kCrossSigned).code == MessageCode::config_update_ans);
  CHECK(s.bed.node().config().sequence == 3);
  CHECK(s.update(Who::next, {.sequence = 4, .rolled_signer = true}).code == MessageCode::config_update_ans);
}

TEST_CASE("a tool sends a document to a node and hears what that says, once") {
  SpreadBed s;
  const auto send = [&] {
    s.bed.input(node::CallSendConfig{s.bed.new_call(), cast.id(Who::half), to_bytes(as_bytes(cast.document(kNext)))});
    const auto sent = s.bed.take(MessageCode::config_update_req);
    REQUIRE(sent);
    CHECK(equal(sent->parsed()->body, update_of(kNext)));
    CHECK(sent->header.configuration_sequence == wire::kAnyConfigSequence);
    s.bed.acknowledge(sent->link);
    return *sent;
  };
  const auto answer = [&](const NodeBed::Sent& sent, MessageCode code, Bytes body) {
    s.bed.deliver(sent.link, answer_letter(Who::half, cast.id(Who::node), sent.header, code, std::move(body)));
    REQUIRE(s.bed.events.size() == 1);
    const node::ApiEvent event = std::move(s.bed.events.front());
    s.bed.events.pop_front();
    return std::get<node::ApiResult<node::SendConfigDone>>(event.result);
  };
  const auto done = answer(send(), MessageCode::config_update_ans, wire::encode(wire::ConfigUpdateAns{}));
  REQUIRE(done);
  CHECK(done->responder == cast.id(Who::half));
  const wire::ErrorResponse error{wire::ErrorCode::config_too_old,
                                  to_bytes(as_bytes("sequence 2 is not newer than 5"))};
  const auto refused = answer(send(), MessageCode::error, wire::encode(error));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == wire::ErrorCode::config_too_old);
  CHECK(refused.error().text.find("not newer than 5") != std::string::npos);
}
