// A node under attack sheds the attacker: what one link or one signer does is at its own expense.
#include <doctest/doctest.h>

#include "tests/kit/node_bed.hpp"

using namespace reload;
using namespace reload::kit;
using wire::MessageCode;

namespace {

const Cast& cast = Cast::get();

Letter ping(Who from, const NodeId& to, TransactionId transaction) {
  return letter(from, {to}, MessageCode::ping_req, wire::encode(wire::PingReq{}), transaction);
}

std::size_t sent_on(const NodeBed& bed, LinkId link, MessageCode code) {
  return static_cast<std::size_t>(std::count_if(bed.sent.begin(), bed.sent.end(), [&](const NodeBed::Sent& one) {
    return one.link == link && one.code() == code;
  }));
}

}  // namespace

TEST_CASE("a link that floods requests does not cost another link's requests their answers") {
  NodeBed bed({.holds_crypto = true});
  const LinkId flooding = bed.link_up(Who::next);
  const LinkId honest = bed.link_up(Who::half);
  while (!bed.jobs.empty()) bed.finish_job(0);
  bed.sent.clear();
  Letter flood = ping(Who::next, cast.id(Who::node), 1);
  for (TransactionId i = 0; i < limits::kMaxCryptoJobs + 1000; ++i) {
    flood.header.transaction_id = 1000 + i;
    bed.deliver(flooding, flood);
  }
  CHECK(bed.count(Counter::messages_shed) == limits::kMaxCryptoJobs / 2 + 1000);
  for (TransactionId i = 1; i <= 20; ++i) bed.deliver(honest, ping(Who::half, cast.id(Who::node), i));
  while (!bed.jobs.empty()) bed.finish_job(0);
  CHECK(sent_on(bed, honest, MessageCode::ping_ans) == 20);
  CHECK(bed.count(Counter::messages_shed) == limits::kMaxCryptoJobs / 2 + 1000);
}

TEST_CASE("what a link brings above its budget is dropped where the way on is busy, and nothing else") {
  NodeBed bed;
  const LinkId way = bed.befriend(Who::next);
  const LinkId flooding = bed.link_up(Who::second);
  const LinkId honest = bed.link_up(Who::half);
  bed.sent.clear();
  constexpr TransactionId kFlood = limits::kLinkMessageBurst + 3000;
  Letter flood = ping(Who::second, cast.id(Who::next), 1);
  for (TransactionId i = 0; i < kFlood; ++i) {
    flood.header.transaction_id = 1000 + i;
    bed.deliver(flooding, flood);
  }
  CHECK(bed.count(Counter::messages_shed) == 3000);
  CHECK(sent_on(bed, way, MessageCode::ping_req) == limits::kLinkMessageBurst);
  for (TransactionId i = 1; i <= 100; ++i) bed.deliver(honest, ping(Who::half, cast.id(Who::next), i));
  CHECK(bed.count(Counter::messages_shed) == 3000);
  CHECK(sent_on(bed, way, MessageCode::ping_req) == limits::kLinkMessageBurst + 100);

  // The way is free again: then nobody is held to a budget.
  bed.acknowledge(way);
  bed.sent.clear();
  flood.header.transaction_id = 1;
  bed.deliver(flooding, flood);
  CHECK(sent_on(bed, way, MessageCode::ping_req) == 1);
  CHECK_FALSE(bed.closed.contains(flooding));
}
