#include "reload/io/lmdb_store.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "tests/kit/temporary_directory.hpp"
#include "tests/unit/storage/storage_kit.hpp"
#include "tests/unit/storage/store_suite.hpp"

namespace reload::storage_test {

namespace {

namespace fs = std::filesystem;
using io::LmdbOptions;
using io::LmdbStore;

class Directory {
 public:
  [[nodiscard]] LmdbOptions options(std::size_t max_bytes = std::size_t{64} << 20) const {
    return {path(), max_bytes, io::Durability::process};
  }
  [[nodiscard]] fs::path path() const { return directory_ / "store"; }

 private:
  kit::TemporaryDirectory directory_;
};

std::unique_ptr<LmdbStore> must_open(const LmdbOptions& options) {
  auto store = LmdbStore::open(options);
  REQUIRE_MESSAGE(store.has_value(), (store ? "" : store.error().text));
  return std::move(*store);
}

PutValue put(std::uint32_t number, std::string_view value) {
  const auto signer = make_signer(kit::node_number(1), "u@demo.example");
  const ResourceId resource = resource_of_user(std::to_string(number));
  return {{resource, kSingle, {}}, stored(signer, make_value(text(value), 1), wall(0))};
}

std::string refusal(const LmdbOptions& options) {
  const auto store = LmdbStore::open(options);
  REQUIRE(!store);
  CHECK(store.error().text.find(options.directory.string()) != std::string::npos);
  return store.error().text;
}

bool says(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("LmdbStore is a value store") {
  const Directory directory;
  check_value_store([&] { return must_open(directory.options()); });
}

TEST_CASE("random batches leave LmdbStore and MemoryStore the same, also after opening again") {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    const Directory directory;
    MemoryStore memory;
    for (int round = 0; round < 3; ++round) {
      const auto disk = must_open(directory.options());
      check_same(memory, *disk, 10 * seed + static_cast<std::uint64_t>(round), 60);
      REQUIRE(memory.commit());
      REQUIRE(disk->commit());
    }
  }
}

TEST_CASE("what was not committed is gone when the store is opened again") {
  const Directory directory;
  {
    const auto store = must_open(directory.options());
    REQUIRE(store->apply({put(1, "kept")}));
    REQUIRE(store->commit());
    REQUIRE(store->apply({put(2, "lost")}));
    CHECK(store->value_count() == 2);
  }
  const auto store = must_open(directory.options());
  CHECK(store->value_count() == 1);
  CHECK(store->find(put(1, "").key).has_value());
}

TEST_CASE("a killed process loses nothing that it committed") {
  for (const io::Durability durability : {io::Durability::process, io::Durability::disk}) {
    const Directory directory;
    LmdbOptions options = directory.options();
    options.durability = durability;
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      auto store = LmdbStore::open(options);
      for (std::uint32_t i = 0; i < 100; ++i) {
        if (!(*store)->apply({put(i, "committed")}) || !(*store)->commit()) _exit(1);
      }
      if (!(*store)->apply({put(1000, "not committed")})) _exit(1);
      raise(SIGKILL);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGKILL);
    const auto store = must_open(options);
    CHECK(store->value_count() == 100);
    for (std::uint32_t i = 0; i < 100; ++i)
      CHECK(store->find(put(i, "").key)->data.value == put(i, "committed").value.data.value);
  }
}

TEST_CASE("a full store refuses the batch, keeps what it had, and takes values again when others are removed") {
  const Directory directory;
  const auto store = must_open(directory.options(std::size_t{256} << 10));
  const std::string big(2000, 'x');
  std::uint32_t stored_values = 0;
  std::string error;
  while (error.empty() && stored_values < 10000) {
    const auto applied =
        store->apply({put(stored_values, big), PutCounter{{put(stored_values, "").key.resource, kSingle}, 1}});
    if (applied) {
      ++stored_values;
    } else {
      error = applied.error().text;
    }
    if (stored_values % 10 == 0) REQUIRE(store->commit());
  }
  CHECK(says(error, "size limit of 262144 bytes"));
  CHECK(stored_values > 30);
  CHECK(store->value_count() == stored_values);
  CHECK(!store->find(put(stored_values, "").key));
  REQUIRE(store->commit());
  for (std::uint32_t i = 0; i < stored_values; ++i) {
    REQUIRE(store->apply({RemoveValue{put(i, "").key}}));
    REQUIRE(store->commit());
  }
  CHECK(store->value_count() == 0);
  CHECK(store->apply({put(0, big)}));
}

TEST_CASE("values of one signer share one certificate on disk") {
  const Directory directory;
  const auto store = must_open(directory.options(std::size_t{512} << 10));
  // With a certificate of 500 bytes each these would need 1 MB.
  for (std::uint32_t i = 0; i < 1000; ++i) REQUIRE(store->apply({put(i, "v")}));
  for (std::uint32_t i = 0; i < 999; ++i) REQUIRE(store->apply({RemoveValue{put(i, "").key}}));
  CHECK(store->find(put(999, "").key)->certificate.size() > 100);
}

TEST_CASE("opening says what is wrong with which directory, and what helps") {
  const Directory directory;
  SUBCASE("in use") {
    const auto first = must_open(directory.options());
    CHECK(says(refusal(directory.options()), "in use by another process; stop that one or give each peer its own"));
  }
  SUBCASE("free again after closing") {
    must_open(directory.options());
    must_open(directory.options());
  }
  SUBCASE("a file where the directory should be") {
    std::ofstream(directory.path()) << "x";
    CHECK(says(refusal(directory.options()), "give a directory that this user may write"));
  }
  SUBCASE("no rights") {
    fs::create_directories(directory.path());
    fs::create_directory(directory.path() / "lock");  // cannot be opened for writing, not even by root
    CHECK(says(refusal(directory.options()), "make the directory writable for this user"));
  }
  SUBCASE("garbage in the file") {
    fs::create_directories(directory.path());
    std::ofstream(directory.path() / "data.mdb") << std::string(20000, 'g');
    CHECK(says(refusal(directory.options()), "move the directory away and start with an empty store"));
  }
}

TEST_CASE("a resource too long for a key is refused, not stored wrongly") {
  const Directory directory;
  const auto store = must_open(directory.options());
  PutValue too_long = put(1, "v");
  too_long.key.resource = ResourceId(Bytes(200, 0));
  CHECK(!store->apply({too_long}));
  CHECK(store->value_count() == 0);
  CHECK(store->apply({put(1, "v")}));
}

TEST_CASE("6940-11.1-73: the values of a Kind that is gone are gone from the disk as well") {
  const Directory directory;
  {
    Bench bench(kit::node_number(50), must_open(directory.options()));
    for (std::uint32_t i = 0; i < 1000; ++i) REQUIRE(bench.values->apply({put(i, "v")}));
    REQUIRE(bench.values->commit());
    bench.config.kinds.remove(kSingle);
    auto context = bench.context();
    bench.storage.on_config_changed(context);
    for (int i = 0; i < 20 && bench.storage.value_count() > 0; ++i) bench.pass(1s);
    CHECK(bench.storage.value_count() == 0);
    REQUIRE(bench.values->commit());
  }
  CHECK(must_open(directory.options())->value_count() == 0);
}

TEST_CASE("a file cut short is reported as damage, and the process lives") {
  const Directory directory;
  {
    const auto store = must_open(directory.options());
    for (std::uint32_t i = 0; i < 2000; ++i) REQUIRE(store->apply({put(i, "some value")}));
    REQUIRE(store->commit());
  }
  fs::resize_file(directory.path() / "data.mdb", 3 * 4096);
  const auto store = LmdbStore::open(directory.options());
  if (!store) {
    CHECK(says(store.error().text, "move the directory away"));
  } else {
    for (std::uint32_t i = 0; i < 2000; ++i) CHECK(!(*store)->find(put(i, "").key));
    CHECK(says((*store)->apply({put(1, "v")}).error().text, "move the directory away"));
  }
}

}  // namespace reload::storage_test
