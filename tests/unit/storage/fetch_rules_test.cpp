#include "reload/storage/fetch_rules.hpp"

#include <doctest/doctest.h>

#include "tests/unit/storage/storage_kit.hpp"

namespace reload::storage_test {

namespace {

using wire::ErrorCode;

struct Filled {
  Filled() {
    put(kSingle, text("single"));
    put(kArray, at_index(1, "one"));
    put(kArray, at_index(3, "three"));
    put(kArray, at_index(9, "nine"));
    put(kDictionary, at_key("a", "A"));
    put(kDictionary, at_key("b", "B"));
  }
  MemoryStore store;
  config::OverlayConfig config = test_config();
  ResourceId resource = resource_of_user("alice@demo.example");
  security::Signer alice = make_signer(kit::node_number(1), "alice@demo.example");
  Wall now = wall(100);

  void put(KindId kind, wire::StoredDataValue value, std::uint32_t lifetime = 3600) {
    Bytes slot = slot_of(value);
    REQUIRE(store.apply(
        {PutValue{{resource, kind, std::move(slot)}, stored(alice, make_value(value, 5, lifetime), wall(0))},
         PutCounter{{resource, kind}, 4}}));
  }
  [[nodiscard]] tl::expected<std::vector<SelectedKind>, Refusal> select(
      std::vector<wire::StoredDataSpecifier> specifiers) const {
    return select_values({resource, std::move(specifiers)}, store, config.kinds, now);
  }
  [[nodiscard]] std::vector<wire::StoredDataValue> ask(wire::StoredDataSpecifier specifier) const {
    const auto selected = select({std::move(specifier)});
    REQUIRE(selected);
    REQUIRE(selected->size() == 1);
    std::vector<wire::StoredDataValue> found;
    for (const StoredValue& value : selected->front().values) found.push_back(value.data.value);
    return found;
  }
  [[nodiscard]] std::vector<wire::StoredDataValue> ranges(std::vector<wire::ArrayRange> ranges) const {
    return ask({kArray, 0, wire::ArraySpecifier{std::move(ranges)}});
  }
};

wire::StoredDataValue gap(std::uint32_t index) { return wire::ArrayEntry{index, nothing()}; }

}  // namespace

TEST_CASE("6940-7.2.1-1, 6940-7.4.2.2-4: a single value, or a synthetic one that says there is none") {
  Filled f;
  CHECK(f.ask({kSingle, 0, wire::SingleSpecifier{}}) == std::vector<wire::StoredDataValue>{text("single")});
  f.resource = resource_of_user("nobody@demo.example");
  const auto selected = f.select({{kSingle, 0, wire::SingleSpecifier{}}});
  REQUIRE(selected);
  CHECK(selected->front().generation == 0);
  const wire::StoredData& synthetic = selected->front().values.at(0).data;
  CHECK(synthetic.value == wire::StoredDataValue(nothing()));
  CHECK(synthetic.signature == wire::Signature{wire::HashAlgorithm::none,
                                               wire::SignatureAlgorithm::anonymous,
                                               {wire::SignerIdentityType::none, wire::HashAlgorithm::none, {}},
                                               {}});
  CHECK(synthetic.storage_time == 0);
  CHECK(synthetic.lifetime == 0);
}

TEST_CASE("6940-7.4.2.1-4, 6940-7.4.2.1-6, 6940-7.2.2-2, 6940-7.4.2.2-3: ranges of an array") {
  Filled f;
  using List = std::vector<wire::StoredDataValue>;
  CHECK(f.ranges({{0, 5}}) == List{at_index(1, "one"), at_index(3, "three")});
  CHECK(f.ranges({{0, wire::kLastArrayIndex}}).size() == 3);
  CHECK(f.ranges({{wire::kLastArrayIndex, wire::kLastArrayIndex}}) == List{at_index(9, "nine")});
  CHECK(f.ranges({{9, 9}, {1, 2}}) == List{at_index(9, "nine"), at_index(1, "one")});
  CHECK(f.ranges({{2, 2}}) == List{gap(2)});
  CHECK(f.ranges({{4, 8}}).empty());
  CHECK(f.ranges({{1000000, 4000000000}}).empty());
}

TEST_CASE("6940-7.4.2.1-5, 6940-7.4.2.1-7: ranges that are reversed or overlap are refused") {
  Filled f;
  for (const std::vector<wire::ArrayRange>& bad : {std::vector<wire::ArrayRange>{{2, 1}},
                                                   {{1, 5}, {5, 6}},
                                                   {{4, 9}, {0, 4}},
                                                   {{0, wire::kLastArrayIndex}, {3, 3}}}) {
    const auto selected = f.select({{kArray, 0, wire::ArraySpecifier{bad}}});
    REQUIRE(!selected);
    CHECK(selected.error().code == ErrorCode::invalid_message);
  }
}

TEST_CASE("6940-7.4.2.1-8: no keys are all keys, others are answered one by one") {
  Filled f;
  using List = std::vector<wire::StoredDataValue>;
  CHECK(f.ask({kDictionary, 0, wire::DictionarySpecifier{}}) == List{at_key("a", "A"), at_key("b", "B")});
  CHECK(f.ask({kDictionary, 0, wire::DictionarySpecifier{{{'b'}, {'x'}}}}) ==
        List{at_key("b", "B"), wire::DictionaryEntry{{'x'}, nothing()}});
}

TEST_CASE(
    "6940-7.4.2.1-9, 6940-7.4.2.2-2, 6940-7.4.2.2-3: one answer a Kind; without values when the generation is known") {
  Filled f;
  const auto selected =
      f.select({{kSingle, 4, wire::SingleSpecifier{}}, {kDictionary, 3, wire::DictionarySpecifier{}}});
  REQUIRE(selected);
  REQUIRE(selected->size() == 2);
  CHECK((*selected)[0].kind == kSingle);
  CHECK((*selected)[0].generation == 4);
  CHECK((*selected)[0].values.empty());
  CHECK((*selected)[1].values.size() == 2);
  // A generation that is not the stored one is not known, though it be a higher one.
  for (const std::uint64_t other : {std::uint64_t{3}, std::uint64_t{5}, UINT64_MAX}) {
    const auto all = f.select({{kSingle, other, wire::SingleSpecifier{}}});
    REQUIRE(all);
    CHECK((*all)[0].generation == 4);
    CHECK((*all)[0].values.size() == 1);
  }
}

TEST_CASE("Fetch of unknown Kinds, and of one Kind twice") {
  Filled f;
  const auto unknown = f.select({{kUnknown, 0, wire::UnknownSpecifier{}}, {kSingle, 0, wire::SingleSpecifier{}}});
  REQUIRE(!unknown);
  CHECK(unknown.error().code == ErrorCode::unknown_kind);
  CHECK(wire::decode<std::vector<KindId>>(unknown.error().info) == std::vector{kUnknown});
  CHECK(f.select({{kSingle, 0, wire::SingleSpecifier{}}, {kSingle, 0, wire::SingleSpecifier{}}}).error().code ==
        ErrorCode::invalid_message);
}

TEST_CASE("6940-7-7, 6940-7.4.1.3-4: lifetimes shrink as time goes by, and what is over is a gap") {
  Filled f;
  f.put(kDictionary, at_key("a", "A"), 101);
  const auto lifetime = [&] {
    return f.select({{kDictionary, 0, wire::DictionarySpecifier{{{'a'}}}}})->front().values.at(0).data.lifetime;
  };
  CHECK(lifetime() == 1);
  CHECK(f.ask({kDictionary, 0, wire::DictionarySpecifier{}}).size() == 2);
  f.now = wall(101);
  CHECK(lifetime() == 0);
  CHECK(f.ask({kDictionary, 0, wire::DictionarySpecifier{{{'a'}}}}) ==
        std::vector<wire::StoredDataValue>{wire::DictionaryEntry{{'a'}, nothing()}});
  CHECK(f.ask({kDictionary, 0, wire::DictionarySpecifier{}}).size() == 1);
}

TEST_CASE("Stat tells length and digest, the digest over the length bytes and the value") {
  Filled f;
  const auto selected = f.select({{kDictionary, 0, wire::DictionarySpecifier{{{'a'}, {'x'}}}}});
  const wire::StatAns answer = stat_answer(*selected, crypto());
  REQUIRE(answer.kind_responses.size() == 1);
  CHECK(answer.kind_responses[0].generation == 4);
  const auto& values = answer.kind_responses[0].values;
  REQUIRE(values.size() == 2);
  CHECK(values[0].storage_time == 5);
  CHECK(values[0].lifetime == 3500);
  const auto& meta = std::get<wire::DictionaryEntryMeta>(values[0].metadata);
  CHECK(meta.key == Bytes{'a'});
  CHECK(meta.value.exists);
  CHECK(meta.value.value_length == 1);
  CHECK(meta.value.hash_algorithm == wire::HashAlgorithm::sha256);
  CHECK(meta.value.hash_value == crypto().hash(wire::HashAlgorithm::sha256, {Bytes{0, 0, 0, 1, 'A'}}));
  CHECK(!std::get<wire::DictionaryEntryMeta>(values[1].metadata).value.exists);
}

TEST_CASE("6940-7.4.4-1, 6940-7.4.4.2-3, 6940-7.4.4.2-5: Find tells the next resource of each Kind") {
  MemoryStore store;
  const auto config = test_config();
  const auto signer = make_signer(kit::node_number(1), "u@demo.example");
  const auto at = [](std::uint8_t last) {
    Bytes id(16);
    id.back() = last;
    return ResourceId(id);
  };
  for (const std::uint8_t last : {std::uint8_t{3}, std::uint8_t{7}}) {
    REQUIRE(store.apply({PutValue{{at(last), kSingle, {}}, stored(signer, make_value(text("x"), 1), wall(0))}}));
  }
  const auto find = [&](std::uint8_t from, std::vector<KindId> kinds) {
    return find_answer({at(from), std::move(kinds)}, store, config.kinds);
  };
  CHECK(find(0, {kSingle})->results == std::vector<wire::FindKindData>{{kSingle, at(3)}});
  CHECK(find(3, {kSingle})->results[0].closest == at(3));
  CHECK(find(4, {kSingle})->results[0].closest == at(7));
  CHECK(find(8, {kSingle})->results[0].closest == at(3));  // around the ring
  CHECK(find(0, {kArray, kUnknown})->results == std::vector<wire::FindKindData>{{kArray, at(0)}, {kUnknown, at(0)}});
}

TEST_CASE("6940-7.4.4.2-4: a Kind that is barred from Find is left out of the answer") {
  MemoryStore store;
  config::KindRegistry kinds = test_config().kinds;
  config::Kind barred = *kinds.find(kArray);
  barred.findable = false;
  kinds.add(barred);
  const ResourceId resource(kit::node_number(7).view());
  const auto signer = make_signer(kit::node_number(1), "alice@demo.example");
  for (const KindId kind : {kSingle, kArray})
    REQUIRE(store.apply({PutValue{{resource, kind, {}}, stored(signer, make_value(text("v"), 1), wall(0))}}));
  const auto found = find_answer({ResourceId(Bytes(16)), {kArray, kSingle, kUnknown}}, store, kinds);
  REQUIRE(found);
  REQUIRE(found->results.size() == 2);
  CHECK(found->results[0].kind == kSingle);
  CHECK(found->results[0].closest == resource);
  CHECK(found->results[1].kind == kUnknown);
}

TEST_CASE("6940-7.4.4.1-2, 6940-7.4.4.1-3: Find with a Kind twice is refused") {
  const auto found = find_answer({ResourceId(Bytes(16)), {kSingle, kSingle}}, MemoryStore(), test_config().kinds);
  REQUIRE(!found);
  CHECK(found.error().code == ErrorCode::invalid_message);
}

}  // namespace reload::storage_test
