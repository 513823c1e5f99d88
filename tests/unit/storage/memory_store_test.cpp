#include "reload/storage/memory_store.hpp"

#include <doctest/doctest.h>

#include "tests/unit/storage/storage_kit.hpp"
#include "tests/unit/storage/store_suite.hpp"

namespace reload::storage_test {

TEST_CASE("MemoryStore is a value store") {
  check_value_store([] { return std::make_unique<MemoryStore>(); });
}

TEST_CASE("a full MemoryStore refuses the whole batch and keeps what it had") {
  MemoryStore store(2);
  const auto signer = make_signer(kit::node_number(1), "u@demo.example");
  const auto put = [&](std::uint32_t index, std::string_view value) {
    return PutValue{{ResourceId(Bytes{1}), kArray, slot_of(at_index(index, value))},
                    stored(signer, make_value(at_index(index, value), 1), wall(0))};
  };
  REQUIRE(store.apply({put(0, "a"), PutCounter{{ResourceId(Bytes{1}), kArray}, 1}}));
  const auto full = store.apply({put(0, "b"), PutCounter{{ResourceId(Bytes{1}), kArray}, 2}, put(1, "c"), put(2, "d")});
  REQUIRE(!full);
  CHECK(full.error().text == "the value store in memory is full");
  CHECK(store.value_count() == 1);
  CHECK(store.generation({ResourceId(Bytes{1}), kArray}) == 1);
  CHECK(store.values({ResourceId(Bytes{1}), kArray})[0].second.data.value == at_index(0, "a"));
}

TEST_CASE("what was not committed is gone after a crash") {
  MemoryStore store;
  MemoryStore expected;
  Prng rng(5);
  const auto signer = make_signer(kit::node_number(1), "u@demo.example");
  const auto random_batch = [&] {
    WriteBatch batch;
    for (int i = 0; i < 5; ++i) {
      const auto value = at_index(static_cast<std::uint32_t>(rng.below(6)), "v");
      const ValueKey key{ResourceId(Bytes{static_cast<std::uint8_t>(rng.below(3))}), kArray, slot_of(value)};
      if (rng.below(3) == 0) {
        batch.push_back(RemoveValue{key});
      } else {
        batch.push_back(PutValue{key, stored(signer, make_value(value, rng.below(100)), wall(0))});
        batch.push_back(PutCounter{at_of(key), rng.below(100)});
      }
    }
    return batch;
  };
  for (int round = 0; round < 50; ++round) {
    const WriteBatch kept = random_batch();
    REQUIRE(store.apply(kept));
    REQUIRE(store.commit());
    REQUIRE(expected.apply(kept));
    REQUIRE(store.apply(random_batch()));
    REQUIRE(store.apply(random_batch()));
    store.roll_back();
    REQUIRE(store.kinds_after({}, 99) == expected.kinds_after({}, 99));
    CHECK(store.value_count() == expected.value_count());
    CHECK(store.resource_count() == expected.resource_count());
    CHECK(store.expired(wall(9999), 99) == expected.expired(wall(9999), 99));
    for (const KindAt& at : store.kinds_after({}, 99)) {
      CHECK(store.generation(at) == expected.generation(at));
      CHECK(store.values(at).size() == expected.values(at).size());
    }
  }
}

}  // namespace reload::storage_test
