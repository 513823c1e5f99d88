// 6940 4.2: clients.
#include <doctest/doctest.h>

#include "tests/unit/topology/lone.hpp"

using namespace reload;
using namespace reload::topology;
using namespace reload::topology::test;
using wire::MessageCode;

TEST_CASE("6940-4.2.1-3: from the start everything goes through the bootstrap node") {
  Lone client(0x30, true);
  client.start_join(0x80);
  CHECK(client.topology->joined());
  CHECK(client.topology->next_hops(resource(0x10), true) == std::vector{node(0x80)});
  CHECK(client.topology->next_hops(node(0x10), true) == std::vector{node(0x80)});
  CHECK(client.topology->next_hops(node(0x10), false).empty());  // 6940-3-10: it routes for nobody
  CHECK(!client.topology->responsible(resource(0x30)));
  CHECK(!client.topology->in_replica_set(resource(0x30)));
  CHECK(client.topology->plausible_responder(resource(0x30), node(0x99)));
}

TEST_CASE("6940-4.2.1-1: it attaches to the peer in charge of its Node-ID") {
  Lone client(0x30, true);
  client.start_join(0x80);
  const auto want = client.want({resource(0x30)});
  REQUIRE(want);
  CHECK(want->send_update);
  client.attached(want->number, 0x40);
  CHECK(client.topology->next_hops(resource(0x10), true) == std::vector{node(0x40)});
}

TEST_CASE("6940-4.2.1-2: and moves on when an Update says that another peer is") {
  Lone client(0x30, true);
  client.start_join(0x80);
  client.attached(client.want({resource(0x30)})->number, 0x40);
  client.clear();
  client.update(0x40, {0x20, 0x10}, {0x80});
  CHECK(!client.want({resource(0x30)}));
  client.update(0x40, {0x20, 0x38}, {0x80});
  const auto want = client.want({resource(0x30)});
  REQUIRE(want);
  client.attached(want->number, 0x38);
  CHECK(client.topology->next_hops(resource(0x10), true) == std::vector{node(0x38)});
}

TEST_CASE("6940-6.5.1-5: a client sends neither Join nor Update nor Leave") {
  Lone client(0x30, true);
  client.start_join(0x80);
  client.attached(client.want({resource(0x30)})->number, 0x40);
  client.wanted(0x40);
  client.update(0x40, {0x20}, {0x80});
  client.pass(3600s);
  messaging::Context on = client.context();
  client.topology->leave(on);
  CHECK(client.all<messaging::SendRequest>().empty());
  CHECK(client.topology->status_state() == JoinState::left);
}

TEST_CASE("its peer gone, a client goes on with another, or waits for a bootstrap node") {
  Lone client(0x30, true);
  client.start_join(0x80);
  client.attached(client.want({resource(0x30)})->number, 0x40);
  client.clear();
  client.unlink(0x40);
  CHECK(client.topology->next_hops(resource(0x10), true) == std::vector{node(0x80)});
  CHECK(client.want({resource(0x30)}));
  client.unlink(0x80);
  CHECK(!client.topology->joined());
  CHECK(client.topology->status_state() == JoinState::idle);
  client.start_join(0x50);
  CHECK(client.topology->joined());
}

TEST_CASE("an Attach that fails is tried again later") {
  Lone client(0x30, true);
  client.start_join(0x80);
  client.not_attached(client.want({resource(0x30)})->number);
  client.clear();
  client.pass(11s);
  CHECK(client.want({resource(0x30)}));
}

TEST_CASE("requests for peers are refused") {
  Lone client(0x30, true);
  client.start_join(0x80);
  CHECK(client.error_for(client.join(0x20, 0x20, 0x20)) == wire::ErrorCode::not_found);
  const RequestId bad = client.request(MessageCode::update_req, {1}, node(0x80), node(0x80));
  CHECK(client.error_for(bad) == wire::ErrorCode::invalid_message);
}

TEST_CASE("a client in a ring of peers follows the peer in charge as peers join and crash") {
  RingBed bed(4);
  for (int i = 0; i < 10; ++i) bed.add();
  bed.start_first(0);
  for (std::size_t i = 1; i < 10; ++i) bed.start_join(i, 0);
  bed.run(5s);
  const std::size_t client = bed.add(bed.random_id(), true);
  bed.start_join(client, 3);
  const auto in_charge = [&] {
    std::size_t owner = bed.size();
    for (std::size_t peer : bed.living()) {
      if (bed.chord(peer).responsible(bed.id(client))) owner = peer;
    }
    return owner;
  };
  const auto attached = [&] {
    const std::size_t owner = in_charge();
    return owner != bed.size() && bed.chord(client).status().successors == std::vector{bed.id(owner)};
  };
  CHECK(bed.run_until(attached, 10s) < 1s);
  // A peer joins just behind the client.
  bed.start_join(bed.add(ring::to_node(ring::to_point(bed.id(client).view()) + 1)), 2);
  bed.run(2s);
  CHECK(in_charge() == bed.size() - 1);
  CHECK(attached());
  bed.crash(in_charge());
  CHECK(bed.run_until(attached, 60s) < 10s);
  CHECK(bed.fault() == "");  // the client is in nobody's tables
}

TEST_CASE("6940-6.4.2.2-5, 6940-6.4.2.2-6: a client takes a Leave only of who leaves and over the link to it") {
  Lone client(0x30, true);
  client.start_join(0x80);
  const auto leave = [&](unsigned who, unsigned signer, unsigned over) {
    const wire::LeaveReq body{node(who), {wire::ChordLeaveType::from_succ, {}}};
    return client.request(MessageCode::leave_req, wire::encode(body), node(signer), node(over));
  };
  CHECK(client.error_for(leave(0x80, 0x90, 0x80)) == wire::ErrorCode::forbidden);
  CHECK(client.error_for(leave(0x80, 0x80, 0x90)) == wire::ErrorCode::forbidden);
  const RequestId malformed = client.request(MessageCode::leave_req, {1}, node(0x80), node(0x80));
  CHECK(client.error_for(malformed) == wire::ErrorCode::invalid_message);
  client.clear();
  const RequestId good = leave(0x80, 0x80, 0x80);
  CHECK_FALSE(client.error_for(good));
  const auto answers = client.all<messaging::SendAnswer>();
  REQUIRE(answers.size() == 1);
  CHECK(answers.front().request == good);
}
