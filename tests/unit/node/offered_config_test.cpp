// A configuration document that was fetched is judged as one of a ConfigUpdate is.
#include <doctest/doctest.h>

#include "tests/kit/node_bed.hpp"

using namespace reload;
using namespace reload::kit;

namespace {

const Cast& cast = Cast::get();

node::ApiResult<node::OfferConfigDone> offer(NodeBed& bed, const DocumentSpec& spec) {
  const ApiId id = bed.new_call();
  bed.input(node::CallOfferConfig{id, to_bytes(as_bytes(cast.document(spec)))});
  REQUIRE(bed.events.size() == 1);
  const node::ApiEvent event = std::move(bed.events.front());
  bed.events.pop_front();
  CHECK(event.id == id);
  return std::get<node::ApiResult<node::OfferConfigDone>>(event.result);
}

}  // namespace

TEST_CASE("6940-11.1-70: a newer document that was fetched changes the node at once") {
  NodeBed bed;
  const LinkId banned = bed.befriend(Who::quarter);
  const auto done = offer(bed, {.sequence = 2, .bans_quarter = true, .small_messages = true});
  REQUIRE(done);
  CHECK(done->sequence == 2);
  CHECK(bed.node().config().sequence == 2);
  CHECK(bed.node().config().max_message_size == 2500);
  CHECK(bed.closed.contains(banned));
  CHECK(bed.count(Counter::config_updates_accepted) == 1);
}

TEST_CASE("6940-11.2-10: a fetched document that is not newer changes nothing") {
  NodeBed bed({.document = {.sequence = 5}});
  for (const std::uint16_t sequence : {std::uint16_t{4}, std::uint16_t{5}}) {
    const auto done = offer(bed, {.sequence = sequence, .small_messages = true});
    REQUIRE_FALSE(done);
    CHECK(done.error().code == wire::ErrorCode::config_too_old);
  }
  CHECK(bed.node().config().sequence == 5);
  CHECK(bed.node().config().max_message_size != 2500);
}

TEST_CASE("a fetched document of a wrong signer changes nothing") {
  NodeBed bed;
  const auto done = offer(bed, {.sequence = 2, .wrong_signer = true});
  REQUIRE_FALSE(done);
  CHECK(done.error().code == wire::ErrorCode::forbidden);
  CHECK(bed.node().config().sequence == 1);
  CHECK(bed.count(Counter::config_updates_refused) == 1);
}
