// What a node does when a new document puts someone on the bad-node list: a peer, a user, one of its own.
#include <doctest/doctest.h>

#include "tests/kit/fixtures.hpp"
#include "tests/kit/node_bed.hpp"

using namespace reload;
using namespace reload::kit;
using wire::MessageCode;

namespace {

const Cast& cast = Cast::get();
constexpr KindId kKind = Cast::kPrivateKind;

struct RevocationBed {
  NodeBed bed;
  LinkId next = bed.befriend(Who::next);
  TransactionId transaction = 900;

  void ban(Who who) {
    bed.input(node::CallOfferConfig{bed.new_call(), to_bytes(as_bytes(cast.document({.sequence = 2, .bans = who})))});
    REQUIRE(bed.events.size() == 1);
    CHECK(std::get<node::ApiResult<node::OfferConfigDone>>(bed.events.front().result));
    bed.events.pop_front();
    bed.sent.clear();
  }
  // What the node answers a request that `signer` signed and that came over the link to Who::next.
  std::optional<MessageCode> ask(Who signer, MessageCode code, Bytes body, Bytes* answer = nullptr) {
    Letter request = letter(signer, {cast.id(Who::node)}, code, std::move(body), ++transaction);
    request.header.configuration_sequence = bed.node().config().sequence;
    if (signer != Who::next) request.header.via_list = {cast.id(signer)};
    bed.deliver(next, request);
    for (const auto& one : bed.sent) {
      if (one.header.transaction_id != transaction) continue;
      const auto parsed = one.parsed();
      if (answer != nullptr) *answer = to_bytes(parsed->body);
      return parsed->code;
    }
    return std::nullopt;
  }
  // A value of `owner` at its own place, stored by `signer`.
  std::optional<MessageCode> store(Who signer, Who owner) {
    wire::StoreReq store;
    store.resource = cast.resource(cast.id(owner).view());
    auto& data = store.kind_data.emplace_back();
    data.kind = kKind;
    data.values.push_back(signed_data(owner, store.resource, kKind, to_wire_ms(bed.now().wall), 600,
                                      wire::ArrayEntry{0, {true, {1, 2, 3}}}));
    return ask(signer, MessageCode::store_req, wire::encode(store));
  }
  std::size_t found(Who owner) {
    wire::FetchReq fetch;
    fetch.resource = cast.resource(cast.id(owner).view());
    fetch.specifiers.push_back({kKind, 0, wire::ArraySpecifier{{{0, 10}}}});
    Bytes body;
    CHECK(ask(Who::next, MessageCode::fetch_req, wire::encode(fetch), &body) == MessageCode::fetch_ans);
    const auto answer = wire::decode<wire::FetchAns>(body, bed.node().config().codec());
    REQUIRE(answer);
    std::size_t count = 0;
    for (const auto& kind : answer->kind_responses) count += kind.values.size();
    return count;
  }
  [[nodiscard]] bool knows(Who who) const {
    const auto status = bed.status();
    const auto has = [&](const auto& list) { return std::ranges::find(list, cast.id(who)) != list.end(); };
    const bool linked = std::ranges::any_of(status.links, [&](const auto& link) { return link.node == cast.id(who); });
    return linked || has(status.topology.predecessors) || has(status.topology.successors) ||
           has(status.topology.fingers);
  }
};

}  // namespace

TEST_CASE("6940-11.1-41: a revoked peer is out of every table in the same step and does not come back") {
  RevocationBed r;
  const LinkId second = r.bed.befriend(Who::second);
  REQUIRE(r.knows(Who::second));
  r.ban(Who::second);
  CHECK(r.bed.closed.contains(second));
  CHECK_FALSE(r.knows(Who::second));
  // It calls again.
  const LinkId again = r.bed.link_up(Who::second);
  CHECK(r.bed.closed.contains(again));
  // Nor does the node call it.
  r.bed.opens.clear();
  r.bed.advance(60s);
  CHECK_FALSE(r.knows(Who::second));
  for (const auto& open : r.bed.opens)
    for (const auto& address : open.addresses) CHECK(cast.at(address) != Who::second);
}

TEST_CASE("6940-11.1-41: any of a certificate's Node-IDs on the list ends its links, bound or not") {
  RevocationBed r;
  const LinkId unbound = r.bed.link_up(Who::two_ids);
  REQUIRE_FALSE(r.bed.closed.contains(unbound));
  r.ban(Who::two_ids);
  CHECK(r.bed.closed.contains(unbound));
  CHECK(r.bed.closed.contains(r.bed.link_up(Who::two_ids)));
}

TEST_CASE("6940-11.1-41: a revoked node's requests are not answered") {
  RevocationBed r;
  CHECK(r.ask(Who::second, MessageCode::ping_req, wire::encode(wire::PingReq{})) == MessageCode::ping_ans);
  r.ban(Who::second);
  CHECK_FALSE(r.ask(Who::second, MessageCode::ping_req, wire::encode(wire::PingReq{})).has_value());
  CHECK_FALSE(r.store(Who::second, Who::second).has_value());
}

TEST_CASE("6940-11.1-41: what a revoked user stored is dropped, not returned, and not taken again from anyone") {
  RevocationBed r;
  // Acknowledged when the copies are, which nobody here takes.
  for (const Who who : {Who::user, Who::next}) CHECK_FALSE(r.store(who, who).has_value());
  REQUIRE(r.found(Who::user) == 1);
  r.ban(Who::user);
  CHECK(r.found(Who::user) == 0);
  CHECK(r.found(Who::next) == 1);
  CHECK(r.bed.node().status(r.bed.now()).values == 1);
  CHECK(r.store(Who::next, Who::user) == MessageCode::error);
  CHECK(r.bed.node().status(r.bed.now()).values == 1);
}

TEST_CASE("6940-11.1-41: a hosted user who is revoked is hosted no more") {
  RevocationBed r;
  const std::string user = cast.user(Who::user_of_node);
  REQUIRE(r.bed.node().credentials().find_user(user));
  r.ban(Who::user_of_node);
  CHECK_FALSE(r.bed.node().credentials().find_user(user));
  REQUIRE(r.bed.accepted_configs.size() == 1);
  CHECK(r.bed.accepted_configs.front().revoked_users == std::vector{user});
  CHECK(r.bed.node().joined());
}

TEST_CASE("6940-11.1-71: a node whose own certificate is revoked leaves and says why") {
  RevocationBed r;
  r.ban(Who::node);
  r.bed.advance(20s);
  CHECK(r.bed.left);
  CHECK(r.bed.left_because.find("which is a bad-node") != std::string::npos);
  CHECK_FALSE(r.bed.node().joined());
}
