#include "reload/storage/store_rules.hpp"

#include <doctest/doctest.h>

#include "tests/unit/storage/storage_kit.hpp"

namespace reload::storage_test {

namespace {

using wire::ErrorCode;

const std::string kUser = "alice@demo.example";

// A Store that passes every check, for tests to break.
struct Case {
  Case() {
    put(kSingle, text("old"), 100, 1);
    put(kArray, at_index(0, "zero"), 100, 1);
    put(kArray, at_index(5, "five"), 100, 2);
    put(kDictionary, at_key("a", "old"), 100, 3);
  }

  config::OverlayConfig config = test_config();
  FixedRoute route;
  MemoryStore values;
  ResourceId resource = resource_of_user(kUser);
  security::Signer alice = make_signer(kit::node_number(1), kUser);
  security::Signer mallory = make_signer(kit::node_number(2), "mallory@demo.example");
  security::Signer sender = alice;
  messaging::VerifiedStore store = make_store(resource, kSingle, 1, {make_value(text("new"), 200)}, alice);
  Wall now = wall(1000);

  void put(KindId kind, wire::StoredDataValue value, std::uint64_t time, std::uint64_t generation,
           std::uint32_t lifetime = 3600) {
    Bytes slot = slot_of(value);
    REQUIRE(values.apply(
        {PutValue{{resource, kind, std::move(slot)}, stored(alice, make_value(value, time, lifetime), wall(0))},
         PutCounter{{resource, kind}, generation}}));
  }
  [[nodiscard]] wire::StoredData& first() { return store.request.kind_data[0].values[0]; }
  void add(KindId kind, std::uint64_t generation, std::vector<wire::StoredData> more) {
    store.signers.emplace_back(more.size(), alice);
    store.request.kind_data.push_back({kind, generation, std::move(more), {}});
  }
  void be_replica() {
    store.request.replica_number = 1;
    sender = make_signer(kit::node_number(9), "peer9");
  }
  [[nodiscard]] tl::expected<AcceptedStore, Refusal> check() const {
    return check_store({store, sender, values, config, route, crypto(), now});
  }
  [[nodiscard]] ErrorCode code() const {
    const auto checked = check();
    return checked ? ErrorCode::invalid : checked.error().code;
  }
};

}  // namespace

TEST_CASE("6940-7.4.1.1-10: every check of a Store is made, and the first that fails decides") {
  Case c;
  CHECK(c.code() == ErrorCode::invalid);
  // Broken from the last check to the first: each fault is seen although all later ones are there, too.
  struct Fault {
    const char* what;
    std::function<void(Case&)> make;
    ErrorCode code;
  };
  const std::vector<Fault> faults{
      {"too large", [](Case& x) { x.first().value = text(std::string(101, 'x')); }, ErrorCode::data_too_large},
      {"too old", [](Case& x) { x.first().storage_time = 99; }, ErrorCode::data_too_old},
      {"generation", [](Case& x) { x.store.request.kind_data[0].generation_counter = 9; },
       ErrorCode::generation_counter_too_low},
      {"sender without the right", [](Case& x) { x.sender = x.mallory; }, ErrorCode::forbidden},
      {"unknown Kind", [](Case& x) { x.store.request.kind_data[0].kind = kUnknown; }, ErrorCode::unknown_kind},
      {"not responsible", [](Case& x) { x.route.is_responsible = false; }, ErrorCode::not_found},
      {"Kind twice",
       [](Case& x) {
         x.store.request.kind_data.push_back(x.store.request.kind_data[0]);
         x.store.signers.push_back(x.store.signers[0]);
       },
       ErrorCode::invalid_message},
  };
  for (const Fault& fault : faults) {
    CAPTURE(fault.what);
    fault.make(c);
    CHECK(c.code() == fault.code);
  }
}

TEST_CASE("6940-7.4.1.1-2: a Kind that is named twice, or without a value, is refused") {
  Case c;
  c.add(kSingle, 1, {make_value(text("again"), 300)});
  CHECK(c.code() == ErrorCode::invalid_message);
  Case empty;
  empty.add(kArray, 0, {});
  CHECK(empty.code() == ErrorCode::invalid_message);
}

TEST_CASE("6940-7.4.1.1-6: an original Store is for the responsible peer only") {
  Case c;
  c.route.is_responsible = false;
  CHECK(c.code() == ErrorCode::not_found);
}

TEST_CASE(
    "6940-7.4.1.1-7, 6940-7.4.1.1-17, 6940-7.4.1.1-18, 6940-7.3-5: a copy comes from a plausible holder to a replica") {
  Case c;
  c.be_replica();
  c.route.is_responsible = false;
  CHECK(c.code() == ErrorCode::invalid);
  c.route.is_plausible = false;
  CHECK(c.code() == ErrorCode::forbidden);
  c.route.is_plausible = true;
  c.route.is_replica = false;
  CHECK(c.code() == ErrorCode::forbidden);
}

TEST_CASE("6940-7.4.1.1-8: unknown Kinds are refused, and all of them named") {
  Case c;
  c.add(kUnknown, 0, {});
  c.store.request.kind_data.back().unknown_values = {1, 2, 3};
  c.add(KindId{0xf00000fe}, 0, {});
  c.store.request.kind_data.back().unknown_values = {1};
  const auto checked = c.check();
  REQUIRE(!checked);
  CHECK(checked.error().code == ErrorCode::unknown_kind);
  CHECK(wire::decode<std::vector<KindId>>(checked.error().info) == std::vector{kUnknown, KindId{0xf00000fe}});
}

TEST_CASE("6940-7.4.1.1-25: a value that is not signed is forbidden") {
  Case c;
  c.first().signature.identity.type = wire::SignerIdentityType::none;
  CHECK(c.code() == ErrorCode::forbidden);
  Case d;
  d.first().signature.hash = wire::HashAlgorithm::none;
  d.first().signature.algorithm = wire::SignatureAlgorithm::anonymous;
  CHECK(d.code() == ErrorCode::forbidden);
}

TEST_CASE("6940-7.4.1.1-12, 6940-7.4.1.1-13: a value whose signature did not verify is forbidden") {
  Case c;
  c.store.signers[0][0] = {};
  CHECK(c.code() == ErrorCode::forbidden);
  c.be_replica();
  CHECK(c.code() == ErrorCode::forbidden);
}

TEST_CASE(
    "6940-7.4.1.1-14, 6940-7.4.1.1-15, 6940-7.3-4, 6940-5.1.1-1, 6940-13.5.1-2: a value's signer must be allowed to "
    "write it, in a copy too") {
  Case c;
  c.store.signers[0][0] = c.mallory;
  CHECK(c.code() == ErrorCode::forbidden);
  c.be_replica();
  CHECK(c.code() == ErrorCode::forbidden);
}

TEST_CASE("6940-7.3-3, 6940-7.4.1.1-16: so must the sender of an original Store, but not that of a copy") {
  Case c;
  c.sender = c.mallory;
  CHECK(c.code() == ErrorCode::forbidden);
  c.be_replica();
  CHECK(c.code() == ErrorCode::invalid);
}

TEST_CASE(
    "6940-7.4.1.1-19, 6940-7.4.1.2-4, 6940-7.4.1.1-30: a generation counter that is given must be the stored one") {
  Case c;
  c.add(kArray, 0, {make_value(at_index(1, "one"), 200)});
  for (const std::uint64_t wrong : {2U, 7U}) {
    c.store.request.kind_data[0].generation_counter = wrong;
    const auto checked = c.check();
    REQUIRE(!checked);
    CHECK(checked.error().code == ErrorCode::generation_counter_too_low);
    const auto current = wire::decode<wire::StoreAns>(checked.error().info);
    REQUIRE(current);
    CHECK(*current == wire::StoreAns{{{kSingle, 1, {}}, {kArray, 2, {}}}});
  }
  c.store.request.kind_data[0].generation_counter = 0;
  const auto checked = c.check();
  REQUIRE(checked);
  CHECK(checked->kinds[0].generation == 2);
  CHECK(checked->kinds[1].generation == 3);
}

TEST_CASE("6940-7.4.1.1-20, 6940-7.4.1.1-21, 6940-7.4.1.1-22: a copy brings its generation counter, which is not 0") {
  Case c;
  c.be_replica();
  for (const std::uint64_t generation : {1U, 40U}) {
    c.store.request.kind_data[0].generation_counter = generation;
    const auto checked = c.check();
    REQUIRE(checked);
    CHECK(checked->kinds[0].generation == generation);
  }
  c.store.request.kind_data[0].generation_counter = 0;
  CHECK(c.code() == ErrorCode::invalid_message);
}

TEST_CASE(
    "6940-7-3, 6940-7-5, 6940-7.4.1.1-23, 6940-13.5.3-2: a storage time must be after that of the value it replaces") {
  Case c;
  c.first().storage_time = 99;
  CHECK(c.code() == ErrorCode::data_too_old);
  c.store.request.kind_data[0].values = {make_value(text("other"), 100)};
  CHECK(c.code() == ErrorCode::data_too_old);
  c.first().storage_time = 101;  // whatever the local clock says
  CHECK(c.code() == ErrorCode::invalid);
  SUBCASE("the very same value again changes nothing, so that a copy may come twice") {
    c.store.request.kind_data[0].values = {make_value(text("old"), 100)};
    const auto same = c.check();
    REQUIRE(same);
    CHECK(same->writes.empty());
    CHECK(same->kinds[0].generation == 1);
  }
  SUBCASE("the same value signed otherwise is another one") {
    c.store.request.kind_data[0].values = {make_value(text("old"), 100)};
    c.first().signature.value.push_back(1);
    CHECK(c.code() == ErrorCode::data_too_old);
  }
  SUBCASE("a value that is over is not in the way, swept or not") {
    c.put(kSingle, text("over"), 500, 1, 10);
    c.first().storage_time = 300;
    CHECK(c.code() == ErrorCode::invalid);
  }
}

TEST_CASE("6940-13.5.2-1, 6940-7.4.1.1-24, 6940-7.4.1.2-7: size and number of values have their limits") {
  Case c;
  c.first().value = text(std::string(100, 'x'));
  CHECK(c.code() == ErrorCode::invalid);
  c.first().value = text(std::string(101, 'x'));
  CHECK(c.code() == ErrorCode::data_too_large);

  Case d;
  const auto add_keys = [&](std::vector<std::string> keys) {
    std::vector<wire::StoredData> more;
    for (const std::string& key : keys) more.push_back(make_value(at_key(key, "x"), 200));
    d.store = make_store(d.resource, kDictionary, 0, more, d.alice);
  };
  add_keys({"b", "c", "d"});
  CHECK(d.code() == ErrorCode::invalid);
  add_keys({"a", "b", "c", "d"});  // replacing adds nothing
  CHECK(d.code() == ErrorCode::invalid);
  add_keys({"b", "c", "d", "e"});
  CHECK(d.code() == ErrorCode::data_too_large);
  d.now = wall(3600);  // "a" is over, though not yet swept away
  CHECK(d.code() == ErrorCode::invalid);
}

TEST_CASE("6940-7.4.1.1-3, 6940-7.4.1.1-4: one bad value in one Kind, and nothing of the Store is written") {
  Case c;
  c.add(kDictionary, 0, {make_value(at_key("b", "new"), 200), make_value(at_key("a", "stale"), 50)});
  const auto checked = c.check();
  REQUIRE(!checked);
  CHECK(checked.error().code == ErrorCode::data_too_old);
}

TEST_CASE(
    "6940-7.4.1.1-26, 6940-7.4.1.1-27, 6940-7.4.1.1-29, 6940-7.4.1.1-35: an accepted Store writes, and raises the "
    "counter") {
  Case c;
  const auto checked = c.check();
  REQUIRE(checked);
  REQUIRE(c.values.apply(checked->writes));
  CHECK(c.values.find({c.resource, kSingle, {}})->data.value == wire::StoredDataValue(text("new")));
  CHECK(c.values.find({c.resource, kSingle, {}})->received_at == c.now);
  CHECK(c.values.generation({c.resource, kSingle}) == 2);
  CHECK(checked->kinds[0].before == 1);
  CHECK(checked->kinds[0].changed == std::vector<Bytes>{Bytes{}});
  Case fresh;
  fresh.values = MemoryStore();
  fresh.store.request.kind_data[0].generation_counter = 0;
  CHECK(fresh.check()->kinds[0].generation == 1);
}

TEST_CASE("6940-7.4.1.1-36: arrays are written at an index, and 0xffffffff is behind the last one") {
  Case c;
  c.store = make_store(c.resource, kArray, 0,
                       {make_value(at_index(wire::kLastArrayIndex, "end"), 200),
                        make_value(at_index(wire::kLastArrayIndex, "further"), 200)},
                       c.alice);
  const auto checked = c.check();
  REQUIRE(checked);
  REQUIRE(c.values.apply(checked->writes));
  CHECK(c.values.find({c.resource, kArray, {0, 0, 0, 6}})->data.value == at_index(6, "end"));
  CHECK(c.values.find({c.resource, kArray, {0, 0, 0, 7}})->data.value == at_index(7, "further"));

  Case full;
  full.put(kArray, at_index(0xfffffffe, "the very last"), 100, 1);
  full.store =
      make_store(full.resource, kArray, 0, {make_value(at_index(wire::kLastArrayIndex, "x"), 200)}, full.alice);
  CHECK(full.code() == ErrorCode::data_too_large);

  Case first;
  first.values = MemoryStore();
  first.store =
      make_store(first.resource, kArray, 0, {make_value(at_index(wire::kLastArrayIndex, "x"), 200)}, first.alice);
  CHECK(first.check()->kinds[0].changed == std::vector<Bytes>{Bytes{0, 0, 0, 0}});
}

TEST_CASE("6940-7.4.1.1-37: dictionaries are written at their key, values of one Store in turn") {
  Case c;
  c.store = make_store(c.resource, kDictionary, 3,
                       {make_value(at_key("a", "first"), 200), make_value(at_key("a", "second"), 201)}, c.alice);
  const auto checked = c.check();
  REQUIRE(checked);
  REQUIRE(c.values.apply(checked->writes));
  CHECK(c.values.count({c.resource, kDictionary}) == 1);
  CHECK(c.values.find({c.resource, kDictionary, {'a'}})->data.value == at_key("a", "second"));
  c.store = make_store(c.resource, kDictionary, 0,
                       {make_value(at_key("b", "x"), 200), make_value(at_key("b", "y"), 199)}, c.alice);
  CHECK(c.code() == ErrorCode::data_too_old);
}

TEST_CASE("6940-7.4.1.3-3: a value that says \"nothing here\" is stored as any other") {
  Case c;
  c.store.request.kind_data[0].values = {make_value(nothing(), 200)};
  const auto checked = c.check();
  REQUIRE(checked);
  REQUIRE(c.values.apply(checked->writes));
  CHECK(c.values.find({c.resource, kSingle, {}})->data.value == wire::StoredDataValue(nothing()));
  c.store.request.kind_data[0] = {kSingle, 0, {make_value(text("back from the past"), 150)}, {}};
  CHECK(c.code() == ErrorCode::data_too_old);
}

TEST_CASE("6940-7.1-4: a value may be given a lifetime beyond the end of its signer's certificate") {
  Case c;
  c.first().lifetime = UINT32_MAX;
  CHECK(c.now + std::chrono::seconds(UINT32_MAX) > c.alice.certificate->not_after);
  CHECK(c.code() == ErrorCode::invalid);
}

TEST_CASE("6940-7.3.3-2, 6940-7.3.3-3: USER-NODE-MATCH holds for the sender's Node-ID as well") {
  Case c;
  const auto entry = [](const security::Signer& signer) {
    return make_value(wire::DictionaryEntry{to_bytes(signer.node_id.view()), text("route")}, 200);
  };
  c.store = make_store(c.resource, wire::kKindSipRegistration, 0, {entry(c.alice)}, c.alice);
  CHECK(c.code() == ErrorCode::invalid);
  c.store = make_store(c.resource, wire::kKindSipRegistration, 0, {entry(c.mallory)}, c.alice);
  CHECK(c.code() == ErrorCode::forbidden);
  c.store = make_store(c.resource, wire::kKindSipRegistration, 0, {entry(c.alice)}, c.alice);
  c.sender = make_signer(kit::node_number(7), kUser);  // the same user with another Node-ID
  CHECK(c.code() == ErrorCode::forbidden);
}

}  // namespace reload::storage_test
