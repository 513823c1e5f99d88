#include "tests/unit/storage/store_suite.hpp"

#include <doctest/doctest.h>

#include "tests/unit/storage/storage_kit.hpp"

namespace reload::storage_test {

namespace {

const ResourceId kHere = resource_of_user("here@demo.example");

security::Signer signer() { return make_signer(kit::node_number(1), "here@demo.example"); }

PutValue put(const ResourceId& resource, KindId kind, wire::StoredDataValue value, std::uint64_t time = 1,
             std::uint32_t lifetime = 3600) {
  Bytes slot = slot_of(value);
  return {{resource, kind, std::move(slot)}, stored(signer(), make_value(std::move(value), time, lifetime), wall(0))};
}

void check_equal(const std::optional<StoredValue>& a, const std::optional<StoredValue>& b) {
  REQUIRE(a.has_value() == b.has_value());
  if (!a) return;
  CHECK(a->data == b->data);
  CHECK(a->received_at == b->received_at);
  CHECK(a->certificate_hash == b->certificate_hash);
  CHECK(equal(a->certificate.view(), b->certificate.view()));
}

void check_equal(const ValueStore& one, const ValueStore& other) {
  CHECK(one.value_count() == other.value_count());
  CHECK(one.resource_count() == other.resource_count());
  CHECK(one.next_expiry() == other.next_expiry());
  const auto kinds = one.kinds_after({}, SIZE_MAX);
  REQUIRE(kinds == other.kinds_after({}, SIZE_MAX));
  for (const KindAt& at : kinds) {
    CHECK(one.generation(at) == other.generation(at));
    CHECK(one.count(at) == other.count(at));
    const auto values = one.values(at);
    const auto others = other.values(at);
    REQUIRE(values.size() == others.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      CHECK(values[i].first == others[i].first);
      check_equal(values[i].second, others[i].second);
    }
  }
}

}  // namespace

void check_value_store(const MakeStore& make) {
  const auto store = make();
  const auto here = [](KindId kind, Bytes slot = {}) { return ValueKey{kHere, kind, std::move(slot)}; };

  SUBCASE("6940-5.1-1, 6940-7-8: a resource has values of several Kinds, a Kind as many as its data model allows") {
    CHECK(store->value_count() == 0);
    CHECK(!store->next_expiry());
    REQUIRE(store->apply({put(kHere, kSingle, text("one")), PutCounter{{kHere, kSingle}, 7},
                          put(kHere, kArray, at_index(2, "two")), put(kHere, kArray, at_index(0, "zero")),
                          put(kHere, kDictionary, at_key("k", "three"))}));
    CHECK(store->value_count() == 4);
    CHECK(store->resource_count() == 1);
    CHECK(store->generation({kHere, kSingle}) == 7);
    CHECK(store->generation({kHere, kArray}) == 0);
    CHECK(store->count({kHere, kArray}) == 2);
    CHECK(store->find(here(kSingle))->data.value == wire::StoredDataValue(text("one")));
    const auto array = store->values({kHere, kArray});
    REQUIRE(array.size() == 2);
    CHECK(array[0].second.data.value == at_index(0, "zero"));
    CHECK(array[1].second.data.value == at_index(2, "two"));
    CHECK(store->last_slot({kHere, kArray}) == Bytes{0, 0, 0, 2});
    CHECK(!store->last_slot({kHere, kUnknown}));
    CHECK(!store->find(here(kDictionary, {'x'})));
  }

  SUBCASE("6940-5.1.1-2, 6940-6.3.4-6: a value keeps its signature and its signer's certificate") {
    const PutValue written = put(kHere, kDictionary, at_key("k", "v"));
    REQUIRE(store->apply({written}));
    REQUIRE(store->commit());
    check_equal(store->find(written.key), written.value);
  }

  SUBCASE("overwriting replaces, removing leaves nothing") {
    REQUIRE(store->apply({put(kHere, kSingle, text("old"), 1, 10), PutCounter{{kHere, kSingle}, 1}}));
    REQUIRE(store->apply({put(kHere, kSingle, text("new"), 2, 99)}));
    CHECK(store->value_count() == 1);
    CHECK(store->find(here(kSingle))->data.storage_time == 2);
    CHECK(store->next_expiry() == wall(99));
    CHECK(store->generation({kHere, kSingle}) == 1);
    REQUIRE(store->apply({RemoveValue{here(kSingle)}, RemoveValue{here(kSingle)}}));
    CHECK(store->value_count() == 0);
    CHECK(store->resource_count() == 0);
    CHECK(store->generation({kHere, kSingle}) == 0);
    CHECK(!store->next_expiry());
    CHECK(store->kinds_after({}, 10).empty());
    CHECK(!store->resource_from(kSingle, ResourceId()));
  }

  SUBCASE("expired values come in order of their end, in pieces") {
    REQUIRE(store->apply({put(kHere, kArray, at_index(0, "c"), 1, 30), put(kHere, kArray, at_index(1, "a"), 1, 10),
                          put(kHere, kArray, at_index(2, "b"), 1, 20)}));
    CHECK(store->expired(wall(9), 10).empty());
    CHECK(store->expired(wall(10), 10) == std::vector{here(kArray, {0, 0, 0, 1})});
    CHECK(store->expired(wall(99), 2) == std::vector{here(kArray, {0, 0, 0, 1}), here(kArray, {0, 0, 0, 2})});
    CHECK(store->next_expiry() == wall(10));
  }

  SUBCASE("the store is walked by resource in pieces, and searched by Kind") {
    std::vector<KindAt> all;
    for (std::uint8_t i = 0; i < 20; ++i) {
      // Zeros and lengths that a naive order of concatenated keys would mix up.
      const ResourceId resource(Bytes{static_cast<std::uint8_t>(i / 4),
                                      static_cast<std::uint8_t>(i % 2 == 0 ? 0 : 0xff), static_cast<std::uint8_t>(i)});
      const ResourceId longer(Bytes{static_cast<std::uint8_t>(i / 4), 0});
      REQUIRE(store->apply({put(resource, kSingle, text("x")), put(longer, kArray, at_index(0, "y"))}));
      all.push_back({resource, kSingle});
      all.push_back({longer, kArray});
    }
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    std::vector<KindAt> walked;
    std::optional<KindAt> last;
    while (true) {
      const auto piece = store->kinds_after(last, 3);
      if (piece.empty()) break;
      CHECK(piece.size() <= 3);
      walked.insert(walked.end(), piece.begin(), piece.end());
      last = piece.back();
    }
    CHECK(walked == all);
    CHECK(store->resource_count() == 25);
    CHECK(store->resource_from(kSingle, ResourceId(Bytes{2, 0, 1})) == ResourceId(Bytes{2, 0, 8}));
    CHECK(store->resource_from(kArray, ResourceId(Bytes{2, 0})) == ResourceId(Bytes{2, 0}));
    CHECK(!store->resource_from(kArray, ResourceId(Bytes{5})));
    CHECK(!store->resource_from(kDictionary, ResourceId()));
  }

  SUBCASE("keys of any length, the empty one too") {
    const std::string long_key(60000, 'k');
    REQUIRE(store->apply(
        {put(kHere, kDictionary, at_key("", "empty")), put(kHere, kDictionary, at_key(long_key, "long")),
         put(kHere, kDictionary, at_key(long_key + "2", "longer")), put(kHere, kDictionary, at_key("z", "last"))}));
    const auto values = store->values({kHere, kDictionary});
    REQUIRE(values.size() == 4);
    CHECK(values[0].first.slot.empty());
    CHECK(values[1].first.slot.size() == 60000);
    CHECK(values[2].first.slot.size() == 60001);
    CHECK(store->find(values[2].first)->data.value == at_key(long_key + "2", "longer"));
    CHECK(store->expired(wall(3600), 10).size() == 4);
    for (const ValueKey& key : store->expired(wall(3600), 10)) REQUIRE(store->apply({RemoveValue{key}}));
    CHECK(store->value_count() == 0);
  }
}

void check_same(ValueStore& one, ValueStore& other, std::uint64_t seed, int steps) {
  Prng rng(seed);
  const std::array<security::Signer, 3> signers{make_signer(kit::node_number(1), "a@demo.example"),
                                                make_signer(kit::node_number(2), "bb@demo.example"),
                                                make_signer(kit::node_number(3), "ccc@demo.example")};
  const auto random_key = [&rng](wire::StoredDataValue& value) {
    const ResourceId resource(Bytes(1 + rng.below(3), static_cast<std::uint8_t>(rng.below(3))));
    switch (rng.below(3)) {
      case 0:
        value = text(std::string(rng.below(50), 'v'));
        return ValueKey{resource, kSingle, slot_of(value)};
      case 1:
        value = at_index(static_cast<std::uint32_t>(rng.below(4)), "array");
        return ValueKey{resource, kArray, slot_of(value)};
      default:
        value = at_key(std::string(rng.below(3) * 100, 'k'), "dictionary");
        return ValueKey{resource, kDictionary, slot_of(value)};
    }
  };
  for (int step = 0; step < steps; ++step) {
    WriteBatch batch;
    for (std::uint64_t i = rng.below(5); i > 0; --i) {
      wire::StoredDataValue value;
      const ValueKey key = random_key(value);
      switch (rng.below(4)) {
        case 0:
          batch.push_back(RemoveValue{key});
          break;
        case 1:
          batch.push_back(PutCounter{at_of(key), rng.below(100)});
          break;
        default:
          batch.push_back(
              PutValue{key, stored(signers[rng.below(3)],
                                   make_value(value, rng.below(1000), static_cast<std::uint32_t>(rng.below(20))),
                                   wall(static_cast<std::int64_t>(rng.below(20))))});
      }
    }
    REQUIRE(one.apply(batch));
    REQUIRE(other.apply(batch));
    if (rng.below(8) == 0) {
      REQUIRE(one.commit());
      REQUIRE(other.commit());
    }
    const Wall now = wall(static_cast<std::int64_t>(rng.below(40)));
    auto expired = one.expired(now, SIZE_MAX);
    auto others = other.expired(now, SIZE_MAX);
    std::sort(expired.begin(), expired.end());
    std::sort(others.begin(), others.end());
    CHECK(expired == others);
    check_equal(one, other);
  }
}

}  // namespace reload::storage_test
