#include <doctest/doctest.h>

#include "tests/unit/storage/ring_kit.hpp"

namespace reload::storage_test {

namespace {

std::string user(int number) { return "user" + std::to_string(number) + "@demo.example"; }

void check_all_right(Ring& ring, int users) {
  for (int i = 0; i < users; ++i) {
    CAPTURE(i);
    CHECK(ring.holders(user(i), "v") == ring.replica_set(resource_of_user(user(i))));
  }
}

std::size_t copies(const Ring& ring) {
  std::size_t all = 0;
  for (const auto& [to, count] : ring.stores_to) all += count;
  return all;
}

}  // namespace

TEST_CASE(
    "6940-10.4-1, 6940-10.4-2, 6940-10.4-3: the responsible peer stores, sends copies to its two successors, numbered "
    "1 "
    "and 2, and returns success") {
  Bench owner(node_at(0x10));
  owner.fixed.targets = {node_at(0x40), node_at(0x80)};
  const auto signer = make_signer(kit::node_number(1), user(1));
  const ResourceId resource = resource_of_user(user(1));
  owner.store(1, make_store(resource, kSingle, 0, {make_value(text("v"), 1)}, signer), signer);
  CHECK(owner.values->find({resource, kSingle, {}}).has_value());
  const auto copies_sent = owner.take<messaging::SendRequest>();
  REQUIRE(copies_sent.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(copies_sent[i].code == wire::MessageCode::store_req);
    CHECK(copies_sent[i].to == wire::DestinationList{owner.fixed.targets[i]});  // their Node-IDs, not the resource
    const auto copy = wire::decode<wire::StoreReq>(copies_sent[i].body, test_config().codec());
    REQUIRE(copy);
    CHECK(copy->replica_number == i + 1);
    CHECK(copy->resource == resource);
  }
  auto context = owner.context();
  for (const auto& copy : copies_sent) owner.storage.on_answer(copy.token, {}, context);
  CHECK(owner.take<messaging::SendAnswer>().size() == 1);
}

TEST_CASE("6940-10.4-5, 6940-10.4-6: who receives a copy stores it and sends none further, whatever its number") {
  for (const std::uint8_t number : {std::uint8_t{1}, std::uint8_t{2}, std::uint8_t{9}}) {
    Bench replica(node_at(0x40));
    replica.fixed.is_responsible = false;
    replica.fixed.owner = node_at(0x10);
    replica.fixed.targets = {node_at(0x80), node_at(0xc0)};
    const auto signer = make_signer(kit::node_number(1), user(1));
    const ResourceId resource = resource_of_user(user(1));
    replica.store(1, make_store(resource, kSingle, 1, {make_value(text("v"), 1)}, signer, number),
                  make_signer(node_at(0x10), "peer"));
    CHECK(replica.values->find({resource, kSingle, {}}).has_value());
    CHECK(replica.take<messaging::SendAnswer>().size() == 1);
    CHECK(replica.take<messaging::SendRequest>().empty());
  }
}

TEST_CASE("a Store is answered when both replicas have it, and sends one copy to each") {
  Ring ring({0x10, 0x40, 0x80, 0xc0});
  for (int i = 0; i < 20; ++i) ring.store(user(i), "v", 1);
  CHECK(ring.answered.empty());
  ring.run();
  CHECK(ring.answered.size() == 20);
  check_all_right(ring, 20);
  CHECK(copies(ring) == 40);
  ring.store(user(3), "v", 1);  // the same again changes nothing and is answered at once
  ring.run();
  CHECK(ring.answered.size() == 21);
  CHECK(copies(ring) == 40);
}

TEST_CASE("a Store is answered at once by a peer that is alone, after a second when one replica is silent") {
  Ring alone({0x10});
  alone.store(user(1), "v", 1);
  alone.run();
  CHECK(alone.answered.size() == 1);

  Bench slow(node_at(1));
  slow.fixed.targets = {node_at(2), node_at(3)};
  const auto signer = make_signer(kit::node_number(1), user(1));
  slow.store(1, make_store(resource_of_user(user(1)), kSingle, 0, {make_value(text("v"), 1)}, signer), signer);
  const auto copies_sent = slow.take<messaging::SendRequest>();
  REQUIRE(copies_sent.size() == 2);
  auto context = slow.context();
  slow.storage.on_answer(copies_sent[0].token, {}, context);
  CHECK(slow.take<messaging::SendAnswer>().empty());
  CHECK(slow.storage.next_deadline(slow.now) == slow.now.mono + 1s);
  slow.pass(1s);
  const auto answers = slow.take<messaging::SendAnswer>();
  REQUIRE(answers.size() == 1);
  const auto answer = wire::decode<wire::StoreAns>(answers[0].body);
  CHECK(*answer == wire::StoreAns{{{kSingle, 1, slow.fixed.targets}}});
}

TEST_CASE("while no replica has the values, their Store is not acknowledged, and refused after ten seconds") {
  Bench owner(node_at(1));
  owner.fixed.targets = {node_at(2), node_at(3)};
  const auto signer = make_signer(kit::node_number(1), user(1));
  owner.store(1, make_store(resource_of_user(user(1)), kSingle, 0, {make_value(text("v"), 1)}, signer), signer);
  const auto copies_sent = owner.take<messaging::SendRequest>();
  REQUIRE(copies_sent.size() == 2);
  owner.pass(9s);
  CHECK(owner.take<messaging::SendAnswer>().empty());
  auto context = owner.context();
  messaging::Answer answer;
  SUBCASE("one has them") {}
  SUBCASE("one has them, the other fails") {
    answer.status = messaging::AnswerStatus::timed_out;
    owner.storage.on_answer(copies_sent[1].token, answer, context);
    CHECK(owner.take<messaging::SendAnswer>().empty());
    answer.status = messaging::AnswerStatus::ok;
  }
  SUBCASE("none has them") {
    CHECK(owner.storage.next_deadline(owner.now) == owner.now.mono + 1s);
    owner.pass(1s);
    CHECK(owner.take<messaging::SendAnswer>().empty());
    const auto refusals = owner.take<messaging::SendError>();
    REQUIRE(refusals.size() == 1);
    CHECK(refusals[0].code == wire::ErrorCode::request_timeout);
    CHECK(owner.counters.get(Counter::stores_without_copy) == 1);
    owner.storage.on_answer(copies_sent[0].token, answer, context);
    CHECK(owner.take<messaging::SendAnswer>().empty());
    return;
  }
  owner.storage.on_answer(copies_sent[0].token, answer, context);
  CHECK(owner.take<messaging::SendAnswer>().size() == 1);
  owner.pass(10s);
  CHECK(owner.take<messaging::SendAnswer>().empty());
  CHECK(owner.take<messaging::SendError>().empty());
}

TEST_CASE("a dead replica does not hold up the answer") {
  Ring ring({0x10, 0x40, 0x80});
  ring.deaf = {node_at(0x10), node_at(0x40), node_at(0x80)};
  ring.store(user(1), "v", 1);
  ring.run();
  CHECK(ring.answered.size() == 1);
}

TEST_CASE("6940-7.4.1.1-31, 6940-7.4.1.1-32: copies have the rest of the lifetime") {
  Ring ring({0x10});
  ring.store(user(1), "v", 1, 1000);
  ring.run();
  ring.pass(100s);
  ring.add(0x80).bench.now = ring.at(0x10).bench.now;
  ring.join(0x80);
  ring.run();
  for (const std::uint8_t node : {std::uint8_t{0x10}, std::uint8_t{0x80}}) {
    const auto held = ring.at(node).bench.values->find({resource_of_user(user(1)), kSingle, {}});
    REQUIRE(held);
    CHECK(remaining_lifetime(*held, ring.at(node).bench.now.wall) == 900);
  }
  ring.pass(901s);
  CHECK(ring.at(0x10).bench.values->value_count() == 0);
  CHECK(ring.at(0x80).bench.values->value_count() == 0);
  CHECK(ring.at(0x10).bench.counters.get(Counter::values_expired) == 1);
}

TEST_CASE(
    "6940-10.5-7, 6940-10.5-9, 6940-10.5-10: a joining peer is handed what it is about to own, nothing twice; then who "
    "is "
    "still in the replica set keeps it, who is not drops it") {
  Ring ring({0x10, 0x40, 0x80, 0xc0});
  for (int i = 0; i < 200; ++i) ring.store(user(i), "v", 1);
  ring.run();
  ring.stores_to.clear();

  Ring::Peer& joining = ring.add(0x60);
  Ring::Peer& admitting = ring.at(0x80);
  auto context = admitting.bench.context();
  admitting.bench.storage.on_hand_over(node_at(0x60), node_at(0x40), context);
  CHECK(admitting.handed_over.empty());
  ring.run();
  CHECK(admitting.handed_over == std::vector{node_at(0x60)});
  std::size_t owned = 0;
  for (int i = 0; i < 200; ++i) {
    const ResourceId resource = resource_of_user(user(i));
    const bool its = ResourceId(node_at(0x40).view()) < resource && !(ResourceId(node_at(0x60).view()) < resource);
    owned += its ? 1U : 0U;
    CHECK(joining.bench.values->find({resource, kSingle, {}}).has_value() == its);
  }
  CHECK(owned > 10);
  CHECK(ring.stores_to[node_at(0x60)] == owned);

  ring.join(0x60);
  ring.run();
  ring.pass(60s);
  check_all_right(ring, 200);
}

TEST_CASE(
    "6940-6.4.2.3-4, 6940-10.7.3-9: after a join without hand-over the new owner gets its values; who then has three "
    "predecessors between itself and a resource deletes its values") {
  Ring ring({0x10, 0x40, 0x80, 0xc0});
  for (int i = 0; i < 100; ++i) ring.store(user(i), "v", 1);
  ring.run();
  ring.add(0x60);
  ring.join(0x60);
  ring.run();
  ring.pass(60s);
  check_all_right(ring, 100);
}

TEST_CASE(
    "6940-10.7.3-7, 6940-10.7.3-8: a new peer of the replica set gets copies at once; nothing is deleted at the one "
    "that "
    "left it") {
  Bench owner(node_at(0x10));
  owner.fixed.targets = {node_at(0x40), node_at(0xc0)};
  const auto signer = make_signer(kit::node_number(1), user(1));
  owner.store(1, make_store(resource_of_user(user(1)), kSingle, 0, {make_value(text("v"), 1)}, signer), signer);
  auto context = owner.context();
  for (const auto& copy : owner.take<messaging::SendRequest>()) owner.storage.on_answer(copy.token, {}, context);
  owner.fixed.targets = {node_at(0x40), node_at(0x80)};  // joined between them
  owner.storage.on_range_changed(context);
  const auto copies_sent = owner.take<messaging::SendRequest>();
  REQUIRE(copies_sent.size() == 1);
  CHECK(copies_sent[0].to == wire::DestinationList{node_at(0x80)});
  CHECK(copies_sent[0].code == wire::MessageCode::store_req);
  owner.storage.on_answer(copies_sent[0].token, {}, context);
  owner.pass(300s);
  CHECK(owner.take<messaging::SendRequest>().empty());
}

TEST_CASE("in the hold-down a new Store still goes to both replicas before it is acknowledged") {
  Bench owner(node_at(0x10));
  owner.fixed.targets = {node_at(0x40), node_at(0x80)};
  auto context = owner.context();
  owner.storage.on_range_changed(context);
  owner.storage.on_neighbor_failed(node_at(0x40), context);
  owner.fixed.targets = {node_at(0x80), node_at(0xc0)};
  owner.storage.on_range_changed(context);
  const auto signer = make_signer(kit::node_number(1), user(1));
  owner.store(1, make_store(resource_of_user(user(1)), kSingle, 0, {make_value(text("v"), 1)}, signer), signer);
  const auto copies_sent = owner.take<messaging::SendRequest>();
  CHECK(copies_sent.size() == 2);  // 10.4; the hold-down of 10.7.1 is for what was stored before
  CHECK(owner.take<messaging::SendAnswer>().empty());
  for (const auto& copy : copies_sent) owner.storage.on_answer(copy.token, {}, context);
  CHECK(owner.take<messaging::SendAnswer>().size() == 1);
}

TEST_CASE(
    "6940-10.7.1-3, 6940-3-6: a failed peer's values get new replicas, those behind a new successor after the "
    "hold-down "
    "of 30 s") {
  Ring ring({0x10, 0x40, 0x80, 0xc0, 0xe0});
  for (int i = 0; i < 100; ++i) ring.store(user(i), "v", 1);
  ring.run();
  ring.stores_to.clear();
  ring.fail(0x80);
  ring.run();
  // 0x40's second successor was 0xc0 and 0xe0 replaces it: no copies there yet of what 0x40 owns.
  const auto held_by_new = [&] {
    std::size_t held = 0;
    for (int i = 0; i < 100; ++i) {
      const ResourceId resource = resource_of_user(user(i));
      if (&ring.owner(resource) == &ring.at(0x40)) held += ring.at(0xe0).bench.values->count({resource, kSingle});
    }
    return held;
  };
  CHECK(held_by_new() == 0);
  ring.pass(29s);
  CHECK(held_by_new() == 0);
  ring.pass(2s);
  CHECK(held_by_new() > 5);
  ring.pass(60s);
  check_all_right(ring, 100);
}

TEST_CASE("6940-10.7.3-7: a successor that is back in its place has its copies at once, though another one failed") {
  Bench owner(node_at(0x10));
  owner.fixed.targets = {node_at(0x40), node_at(0x80)};
  const auto signer = make_signer(kit::node_number(1), user(1));
  owner.store(1, make_store(resource_of_user(user(1)), kSingle, 0, {make_value(text("v"), 1)}, signer), signer);
  auto context = owner.context();
  owner.storage.on_range_changed(context);
  for (const auto& copy : owner.take<messaging::SendRequest>()) owner.storage.on_answer(copy.token, {}, context);
  owner.storage.on_neighbor_failed(node_at(0x40), context);
  owner.fixed.targets = {node_at(0x80), node_at(0xc0)};
  owner.storage.on_range_changed(context);
  CHECK(owner.take<messaging::SendRequest>().empty());  // 0xc0 only replaces: the hold-down of 10.7.1
  owner.pass(5s);
  auto later = owner.context();
  owner.fixed.targets = {node_at(0x40), node_at(0x80)};
  owner.storage.on_range_changed(later);
  const auto copies_sent = owner.take<messaging::SendRequest>();
  REQUIRE(copies_sent.size() == 1);
  CHECK(copies_sent[0].to == wire::DestinationList{node_at(0x40)});
}

TEST_CASE("two neighbours fail at once and no value is lost") {
  Ring ring({0x10, 0x40, 0x80, 0xc0, 0xe0});
  for (int i = 0; i < 100; ++i) ring.store(user(i), "v", 1);
  ring.run();
  ring.fail(0x40);
  ring.fail(0x80);
  ring.run();
  ring.pass(120s);
  check_all_right(ring, 100);
}

TEST_CASE("copies that fail are sent again later, with pauses that grow") {
  Ring ring({0x10, 0x80});
  ring.deaf = {node_at(0x10), node_at(0x80)};
  for (int i = 0; i < 100; ++i) ring.store(user(i), "v", 1);
  ring.run();
  ring.pass(20s);
  const std::size_t tries = copies(ring);
  CHECK(tries < 1000);
  ring.deaf.clear();
  ring.pass(600s);
  check_all_right(ring, 100);
}

TEST_CASE("6940-7.4.1.1-33, 6940-7.4.1.1-34: a peer that finds newer values at another takes them over") {
  Ring ring({0x10, 0x80});
  const ResourceId resource = resource_of_user(user(1));
  ring.store(user(1), "v", 1);
  ring.run();
  // The other side of a partition stored later.
  Ring::Peer& owner = ring.owner(resource);
  Ring::Peer& other = &owner == &ring.at(0x10) ? ring.at(0x80) : ring.at(0x10);
  const auto signer = make_signer(kit::node_number(77), user(1));
  REQUIRE(other.bench.values->apply(
      {PutValue{{resource, kSingle, {}}, stored(signer, make_value(text("newer"), 9), wall(0))},
       PutCounter{{resource, kSingle}, 5}}));
  auto context = owner.bench.context();
  owner.bench.storage.on_neighbor_failed(other.bench.self, context);
  owner.bench.storage.on_range_changed(context);
  ring.run();
  ring.pass(40s);
  CHECK(ring.holders(user(1), "newer").size() == 2);
  CHECK(owner.bench.values->generation({resource, kSingle}) == 6);
  CHECK(other.bench.values->generation({resource, kSingle}) == 6);
}

TEST_CASE("a peer that always finds our values too old is not asked for ever") {
  Ring ring({0x10, 0x80});
  ring.store(user(1), "v", 1);
  ring.refuse_with = wire::ErrorCode::data_too_old;
  ring.run();
  CHECK(ring.answered.size() == 1);
  ring.pass(600s);
  CHECK(copies(ring) < 5);
}

TEST_CASE("a generation counter that a copy put back does not keep the next value from the replicas") {
  Bench owner(node_at(0x10));
  owner.fixed.targets = {node_at(0x40), node_at(0x80)};
  const auto signer = make_signer(kit::node_number(1), user(1));
  const ResourceId resource = resource_of_user(user(1));
  const auto store_value = [&](const std::string& value, std::uint64_t time) {
    owner.store(time, make_store(resource, kSingle, 0, {make_value(text(value), time)}, signer), signer);
    return owner.take<messaging::SendRequest>();
  };
  const auto copy_back = [&](const std::string& value, std::uint64_t time) {
    owner.store(100 + time, make_store(resource, kSingle, 1, {make_value(text(value), time)}, signer, 1),
                make_signer(node_at(0x40), "peer"));
    CHECK(owner.values->generation({resource, kSingle}) == 1);  // 6940 7.4.1.1: as it comes
  };
  auto context = owner.context();
  for (const auto& copy : store_value("first", 1)) owner.storage.on_answer(copy.token, {}, context);
  const auto copies_of_second = store_value("second", 2);
  SUBCASE("when the replicas have what is here") {
    for (const auto& copy : copies_of_second) owner.storage.on_answer(copy.token, {}, context);
    copy_back("second", 2);
  }
  SUBCASE("when copies are on their way") {
    copy_back("second", 2);
    for (const auto& copy : copies_of_second) owner.storage.on_answer(copy.token, {}, context);
    for (const auto& copy : owner.take<messaging::SendRequest>()) owner.storage.on_answer(copy.token, {}, context);
  }
  CHECK(store_value("third", 3).size() == 2);
}

TEST_CASE("a peer that found our values too old has not got those that came since") {
  Bench owner(node_at(0x10));
  owner.fixed.targets = {node_at(0x40)};
  auto context = owner.context();
  owner.storage.on_range_changed(context);
  const auto signer = make_signer(kit::node_number(1), user(1));
  const ResourceId resource = resource_of_user(user(1));
  const auto store_value = [&](const std::string& value, std::uint64_t time) {
    owner.store(time, make_store(resource, kSingle, 0, {make_value(text(value), time)}, signer), signer);
    return owner.take<messaging::SendRequest>();
  };
  messaging::Answer refusal;
  refusal.status = messaging::AnswerStatus::error;
  refusal.error = wire::ErrorCode::data_too_old;
  owner.storage.on_answer(store_value("first", 1).at(0).token, refusal, context);
  const auto asked = owner.take<messaging::SendRequest>();
  REQUIRE(asked.size() == 1);
  REQUIRE(asked[0].code == wire::MessageCode::fetch_req);
  const auto copies_of_second = store_value("second", 2);
  REQUIRE(copies_of_second.size() == 1);
  messaging::Answer nothing_newer;
  nothing_newer.fetch = std::make_shared<messaging::VerifiedFetch>();
  owner.storage.on_answer(asked[0].token, nothing_newer, context);
  messaging::Answer lost;
  lost.status = messaging::AnswerStatus::timed_out;
  owner.storage.on_answer(copies_of_second[0].token, lost, context);
  owner.pass(3s);
  const auto again = owner.take<messaging::SendRequest>();
  REQUIRE(again.size() == 1);
  CHECK(again[0].code == wire::MessageCode::store_req);
}

TEST_CASE("no more copies are under way to one peer than the window allows") {
  Bench bench(node_at(0x10));
  const auto signer = make_signer(kit::node_number(1), "u");
  for (int i = 0; i < 500; ++i) {
    const ResourceId resource = resource_of_user(user(i));
    REQUIRE(bench.values->apply({PutValue{{resource, kSingle, {}}, stored(signer, make_value(text("v"), 1), wall(0))},
                                 PutCounter{{resource, kSingle}, 1}}));
  }
  bench.fixed.targets = {node_at(0x20)};
  auto context = bench.context();
  bench.storage.on_range_changed(context);
  auto requests = bench.take<messaging::SendRequest>();
  CHECK(requests.size() == limits::kReplicaWindow);
  std::size_t sent = requests.size();
  while (!requests.empty()) {
    for (const auto& request : requests) bench.storage.on_answer(request.token, {}, context);
    requests = bench.take<messaging::SendRequest>();
    CHECK(requests.size() <= limits::kReplicaWindow);
    sent += requests.size();
  }
  while (bench.storage.next_deadline(bench.now) == bench.now.mono) {
    bench.storage.on_timer(context);
    for (const auto& request : bench.take<messaging::SendRequest>()) {
      ++sent;
      bench.storage.on_answer(request.token, {}, context);
    }
  }
  CHECK(sent == 500);
}

TEST_CASE("one sender that offers newer values without end leaves room for what another offers") {
  Bench owner(node_at(0x10));
  owner.fixed.is_plausible = false;  // both are too far away to hand over copies
  const auto author = make_signer(kit::node_number(1), "u");
  const auto fetches_after = [&](const NodeId& sender, int first, int count) {
    for (int i = first; i < first + count; ++i) {
      const ResourceId resource = resource_of_user(user(i));
      owner.store(static_cast<std::uint64_t>(i),
                  make_store(resource, kSingle, 1, {make_value(text("v"), 1)}, author, 1), make_signer(sender, "peer"));
    }
    return owner.take<messaging::SendRequest>().size();
  };
  CHECK(fetches_after(node_at(0x40), 0, 1000) == limits::kMaxTakings / 4);
  CHECK(fetches_after(node_at(0x80), 1000, 3) == 3);
}

TEST_CASE("values too large for one message go in several") {
  Bench bench(node_at(0x10));
  bench.config.max_message_size = 5000;
  config::Kind kind = *bench.config.kinds.find(kDictionary);
  kind.max_size = 2000;
  kind.max_count = 16;
  bench.config.kinds.add(kind);
  bench.fixed.targets = {node_at(0x20)};
  const auto signer = make_signer(kit::node_number(1), user(1));
  std::vector<wire::StoredData> values;
  for (const char* key : {"a", "b", "c", "d", "e", "f"})
    values.push_back(make_value(at_key(key, std::string(1500, 'x')), 1));
  bench.store(1, make_store(resource_of_user(user(1)), kDictionary, 0, values, signer), signer);
  auto requests = bench.take<messaging::SendRequest>();
  CHECK(requests.size() >= 3);
  auto context = bench.context();
  for (const auto& request : requests) {
    CHECK(request.body.size() < 4000);  // certificates, header and signature come on top
    CHECK(request.certificates.size() == 1);
    CHECK(bench.take<messaging::SendAnswer>().empty());
    bench.storage.on_answer(request.token, {}, context);
  }
  CHECK(bench.take<messaging::SendAnswer>().size() == 1);
}

TEST_CASE("a peer that joins and is soon gone again leaves three copies of everything behind") {
  Ring ring({0x10, 0x30, 0x50, 0x70, 0x90, 0xb0, 0xd0, 0xf0});
  for (int i = 0; i < 100; ++i) ring.store(user(i), "v", 1);
  ring.run();
  ring.add(0x80);
  ring.join(0x80);
  ring.run();
  ring.pass(60s);  // who is no replica any more has deleted its copies
  check_all_right(ring, 100);
  ring.fail(0x80);
  ring.run();
  ring.pass(60s);
  check_all_right(ring, 100);
}

TEST_CASE("when partitions meet, an owner fetches newer values from a peer too far away to hand them over") {
  const std::vector<std::uint8_t> nodes{0x10, 0x30, 0x50, 0x70, 0x90, 0xb0, 0xd0, 0xf0};
  Ring ring(nodes);
  const ResourceId resource = resource_of_user(user(1));
  ring.store(user(1), "older", 5);
  ring.run();
  const auto near = ring.replica_set(resource);
  REQUIRE(ring.holders(user(1), "older") == near);
  // Far away: what the other side of a partition stored, under the generation that the near ones have, too.
  Ring::Peer* far = nullptr;
  for (const std::uint8_t node : nodes)
    if (std::ranges::find(near, node_at(node)) == near.end()) far = &ring.at(node);
  REQUIRE(far != nullptr);
  const auto signer = make_signer(kit::node_number(77), user(1));
  const KindAt at{resource, kSingle};
  REQUIRE(far->bench.values->apply(
      {PutValue{{resource, kSingle, {}}, stored(signer, make_value(text("newer"), 9), wall(0))},
       PutCounter{at, ring.owner(resource).bench.values->generation(at)}}));
  auto context = far->bench.context();
  SUBCASE("and the far one lets go of them when the owner has them") {
    far->bench.storage.on_range_changed(context);
    ring.run();
    ring.pass(40s);
    CHECK(ring.holders(user(1), "newer") == near);
  }
  SUBCASE("and the far one keeps them while the owner does not answer") {
    ring.deaf.insert(ring.owner(resource).bench.self);
    far->bench.storage.on_range_changed(context);
    ring.run();
    ring.pass(120s);
    CHECK(ring.holders(user(1), "newer") == std::vector{far->bench.self});
    ring.deaf.clear();
    ring.pass(600s);
    CHECK(ring.holders(user(1), "newer") == near);
  }
}

}  // namespace reload::storage_test
