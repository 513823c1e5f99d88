// A new configuration at a running node: documents and single Kinds, taken, passed on and followed.
#include <doctest/doctest.h>

#include "tests/kit/fixtures.hpp"
#include "tests/kit/node_bed.hpp"

using namespace reload;
using namespace reload::kit;
using wire::MessageCode;

namespace {

const Cast& cast = Cast::get();
constexpr KindId kKind = Cast::kPrivateKind;

struct ConfigBed {
  explicit ConfigBed(BedOptions options) : bed(std::move(options)), link(bed.link_up(Who::next)) {}

  NodeBed bed;
  LinkId link;
  TransactionId transaction = 100;

  // What the node answers Who::next.
  wire::MessageContents ask(MessageCode code, Bytes body) {
    Letter request = letter(Who::next, {cast.id(Who::node)}, code, std::move(body), ++transaction);
    request.header.configuration_sequence =
        code == MessageCode::config_update_req ? wire::kAnyConfigSequence : bed.node().config().sequence;
    bed.sent.clear();
    bed.deliver(link, request);
    for (const auto& one : bed.sent) {
      if (one.header.transaction_id != transaction) continue;
      const auto parsed = one.parsed();
      REQUIRE(parsed);
      return {parsed->code, to_bytes(parsed->body), {}};
    }
    FAIL("no answer");
    return {};
  }
  wire::ErrorResponse refused(MessageCode code, Bytes body) {
    const auto answer = ask(code, std::move(body));
    REQUIRE(answer.code == MessageCode::error);
    const auto error = wire::decode<wire::ErrorResponse>(answer.body);
    REQUIRE(error);
    return *error;
  }
  MessageCode update(const DocumentSpec& spec) {
    wire::ConfigUpdateReq update;
    update.config_data = to_bytes(as_bytes(cast.document(spec)));
    return ask(MessageCode::config_update_req, wire::encode(update)).code;
  }
  [[nodiscard]] static Bytes kind_update(std::vector<Bytes> blocks) {
    return wire::encode(wire::ConfigUpdateReq{wire::ConfigUpdateType::kind, {}, std::move(blocks)});
  }
  // A value of the private Kind at its writer's own place.
  MessageCode store() {
    wire::StoreReq store;
    store.resource = cast.resource(cast.id(Who::next).view());
    auto& data = store.kind_data.emplace_back();
    data.kind = kKind;
    data.values.push_back(signed_data(Who::next, store.resource, kKind, to_wire_ms(bed.now().wall), 600,
                                      wire::ArrayEntry{0, {true, {1, 2, 3}}}));
    return ask(MessageCode::store_req, wire::encode(store)).code;
  }
  [[nodiscard]] std::size_t values() { return bed.node().status(bed.now()).values; }
};

Bytes kind_block() { return cast.config()->kinds.find(kKind)->kind_block; }

Bytes fetch_of(KindId kind) {
  wire::FetchReq fetch;
  fetch.resource = cast.resource(cast.id(Who::next).view());
  fetch.specifiers.push_back({kind, 0, wire::ArraySpecifier{{{0, 10}}}});
  return wire::encode(fetch);
}

const DocumentSpec kWithoutKind{.drops_private_kind = true};

}  // namespace

TEST_CASE("6940-7.4.1.2-8, 6940-7.4.2.1-3: what touches an unknown Kind fails with the list of those that are") {
  ConfigBed c({.document = kWithoutKind});
  wire::StoreReq store;
  store.resource = cast.resource(cast.id(Who::next).view());
  for (const KindId kind : {kKind, wire::kKindCertificateByNode, KindId{0xf0000009}}) {
    auto& data = store.kind_data.emplace_back();
    data.kind = kind;
    data.values.push_back(signed_data(Who::next, store.resource, kind, 1000, 600, wire::ArrayEntry{0, {true, {1}}}));
  }
  const auto error = c.refused(MessageCode::store_req, wire::encode(store));
  CHECK(error.code == wire::ErrorCode::unknown_kind);
  CHECK(wire::decode<std::vector<KindId>>(error.info) == std::vector{kKind, KindId{0xf0000009}});
  CHECK(c.values() == 0);
  for (const MessageCode code : {MessageCode::fetch_req, MessageCode::stat_req}) {
    const auto refused = c.refused(code, fetch_of(kKind));
    CHECK(refused.code == wire::ErrorCode::unknown_kind);
    CHECK(wire::decode<std::vector<KindId>>(refused.info) == std::vector{kKind});
  }
}

TEST_CASE("6940-11.1-47: each kind-block of the document is a Kind that the node serves") {
  ConfigBed c({});
  CHECK(c.store() == MessageCode::store_ans);
  CHECK(c.ask(MessageCode::fetch_req, fetch_of(kKind)).code == MessageCode::fetch_ans);
  CHECK(c.values() == 1);
}

TEST_CASE("a Kind that comes by ConfigUpdate from its signer is served from then on, and no other is") {
  ConfigBed c({.document = kWithoutKind});
  CHECK(c.store() == MessageCode::error);
  Bytes forged = kind_block();
  const std::string_view limit = "<max-count>4";
  const auto at = std::search(forged.begin(), forged.end(), limit.begin(), limit.end());
  REQUIRE(at != forged.end());
  *(at + static_cast<std::ptrdiff_t>(limit.size()) - 1) = '9';
  CHECK(c.refused(MessageCode::config_update_req, ConfigBed::kind_update({forged})).code == wire::ErrorCode::forbidden);
  CHECK(c.refused(MessageCode::config_update_req, ConfigBed::kind_update({{'<'}})).code ==
        wire::ErrorCode::invalid_message);
  CHECK(c.bed.count(Counter::config_updates_refused) == 2);
  CHECK(c.store() == MessageCode::error);

  CHECK(c.ask(MessageCode::config_update_req, ConfigBed::kind_update({kind_block()})).code ==
        MessageCode::config_update_ans);
  CHECK(c.store() == MessageCode::store_ans);
  CHECK(c.ask(MessageCode::fetch_req, fetch_of(kKind)).code == MessageCode::fetch_ans);
  CHECK(c.bed.node().config().sequence == 1);
  // The same again needs nothing.
  CHECK(c.ask(MessageCode::config_update_req, ConfigBed::kind_update({kind_block()})).code ==
        MessageCode::config_update_ans);
  CHECK(c.bed.count(Counter::config_updates_accepted) == 1);
}

TEST_CASE("6940-7.4.1.2-10: whoever does not know a Kind of the document is sent it, and asked again") {
  NodeBed bed;
  const LinkId link = bed.befriend(Who::next);
  bed.sent.clear();
  wire::StoredDataSpecifier all;
  all.kind = kKind;
  all.model = wire::ArraySpecifier{{{0, 10}}};
  bed.input(node::CallFetch{bed.new_call(), {ResourceId(cast.id(Who::next).view()), {all}}});
  const auto fetch = bed.take(MessageCode::fetch_req);
  REQUIRE(fetch);
  CHECK(fetch->link == link);
  const wire::ErrorResponse unknown{wire::ErrorCode::unknown_kind, wire::encode(std::vector{kKind})};
  bed.deliver(link,
              answer_letter(Who::next, cast.id(Who::node), fetch->header, MessageCode::error, wire::encode(unknown)));
  const auto update = bed.take(MessageCode::config_update_req);
  REQUIRE(update);
  const auto offered = wire::decode<wire::ConfigUpdateReq>(update->parsed()->body);
  REQUIRE(offered);
  CHECK(offered->type == wire::ConfigUpdateType::kind);
  CHECK(offered->kinds == std::vector<Bytes>{kind_block()});
  // The same bytes make another node serve the Kind.
  ConfigBed other({.document = kWithoutKind});
  CHECK(other.ask(MessageCode::config_update_req, to_bytes(update->parsed()->body)).code ==
        MessageCode::config_update_ans);
  CHECK(other.store() == MessageCode::store_ans);

  bed.acknowledge(link);
  bed.deliver(link, answer_letter(Who::next, cast.id(Who::node), update->header, MessageCode::config_update_ans,
                                  wire::encode(wire::ConfigUpdateAns{})));
  bed.advance(3s);
  const auto again = bed.take(MessageCode::fetch_req);
  REQUIRE(again);
  CHECK(again->header.transaction_id != fetch->header.transaction_id);
  CHECK(equal(again->parsed()->body, fetch->parsed()->body));
  wire::FetchAns nothing;
  nothing.kind_responses.push_back({kKind, 0, {}, {}});
  bed.deliver(
      link, answer_letter(Who::next, cast.id(Who::node), again->header, MessageCode::fetch_ans, wire::encode(nothing)));
  REQUIRE(bed.events.size() == 1);
  CHECK(std::get<node::ApiResult<storage::FetchDone>>(bed.events.front().result).has_value());
}

TEST_CASE("6940-6.5.4.2-6: a document adds Kinds and deletes them with their data, or has the node leave") {
  ConfigBed c({.document = kWithoutKind});
  CHECK(c.store() == MessageCode::error);
  CHECK(c.update({.sequence = 2}) == MessageCode::config_update_ans);
  CHECK(c.store() == MessageCode::store_ans);
  CHECK(c.values() == 1);
  CHECK(c.update({.sequence = 3, .drops_private_kind = true}) == MessageCode::config_update_ans);
  CHECK(c.values() == 0);
  CHECK(c.store() == MessageCode::error);
  CHECK(c.bed.node().joined());
  CHECK(c.update({.sequence = 4, .other_algorithm = true}) == MessageCode::error);
  c.bed.advance(20s);
  CHECK(c.bed.left);
  CHECK_FALSE(c.bed.node().joined());
  CHECK(c.bed.node().config().sequence == 3);
}

TEST_CASE("6940-11.1-73: a Kind goes with its data when its signer may sign no more, learnt or of the document") {
  for (const bool learnt : {true, false}) {
    ConfigBed c({.document = {.drops_private_kind = learnt}});
    if (learnt)
      CHECK(c.ask(MessageCode::config_update_req, ConfigBed::kind_update({kind_block()})).code ==
            MessageCode::config_update_ans);
    CHECK(c.store() == MessageCode::store_ans);
    CHECK(c.update({.sequence = 2, .drops_private_kind = learnt}) == MessageCode::config_update_ans);
    CHECK(c.values() == 1);
    CHECK(c.ask(MessageCode::fetch_req, fetch_of(kKind)).code == MessageCode::fetch_ans);
    CHECK(c.update({.sequence = 3, .drops_private_kind = true, .drops_kind_signer = true}) ==
          MessageCode::config_update_ans);
    CHECK(c.values() == 0);
    CHECK(c.refused(MessageCode::fetch_req, fetch_of(kKind)).code == wire::ErrorCode::unknown_kind);
    // Nobody can bring it back.
    CHECK(c.refused(MessageCode::config_update_req, ConfigBed::kind_update({kind_block()})).code ==
          wire::ErrorCode::forbidden);
  }
}

TEST_CASE("6940-11.1-70: limits of a new document hold from then on") {
  ConfigBed c({});
  CHECK(c.update({.sequence = 2, .small_messages = true}) == MessageCode::config_update_ans);
  const Bytes padding(3000);
  const Letter large =
      letter(Who::next, {cast.id(Who::node)}, MessageCode::ping_req, wire::encode(wire::PingReq{padding}), 7);
  c.bed.deliver(c.link, large);
  c.bed.advance(1s);
  CHECK(c.bed.closed.contains(c.link));
  CHECK(c.bed.count(Counter::frames_oversized) == 1);
}

TEST_CASE("6940-6.3.2.1-1: there is no node without a configuration document") {
  Prng rng(1);
  storage::MemoryStore store;
  const Now now{Mono(1000s), kTestNow};
  const auto make = [&](config::ConfigPtr config) {
    return node::Node::make({}, std::move(config), security::Credentials(cast.credential(Who::node)), cast.crypto(),
                            rng, store, now);
  };
  CHECK_FALSE(make(nullptr).has_value());
  CHECK(make(cast.config()).has_value());
}

TEST_CASE("6940-11.1-29: where clients are not permitted a node is no client, but cannot stop those that are") {
  Prng rng(1);
  storage::MemoryStore store;
  const auto config = cast.config({.forbids_clients = true});
  const auto client =
      node::Node::make({.role = node::Role::client}, config, security::Credentials(cast.credential(Who::node)),
                       cast.crypto(), rng, store, {Mono(1000s), kTestNow});
  REQUIRE_FALSE(client.has_value());
  CHECK(client.error().text.find("clients-permitted") != std::string::npos);
  // A node that never sends an Update is one.
  ConfigBed c({.document = {.forbids_clients = true}});
  c.bed.advance(60s);
  CHECK_FALSE(c.bed.closed.contains(c.link));
  CHECK(c.ask(MessageCode::ping_req, wire::encode(wire::PingReq{})).code == MessageCode::ping_ans);
}

TEST_CASE("a client that the new document has no place for takes it, answers and leaves") {
  NodeBed bed({.first_peer = false, .role = node::Role::client, .bootstrap = {Who::next}});
  REQUIRE(bed.opens.size() == 1);
  bed.answer_open(0, Who::next);
  const LinkId link = *bed.link_of(Who::next);
  wire::ConfigUpdateReq update;
  update.config_data = to_bytes(as_bytes(cast.document({.sequence = 2, .forbids_clients = true})));
  Letter offer = letter(Who::next, {cast.id(Who::node)}, MessageCode::config_update_req, wire::encode(update), 10);
  offer.header.configuration_sequence = wire::kAnyConfigSequence;
  bed.deliver(link, offer);
  CHECK(bed.take(MessageCode::config_update_ans));
  CHECK(bed.left);
}
