#include "reload/io/user_vault.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>

#include "reload/io/overlay_files.hpp"
#include "reload/io/sealed_text.hpp"
#include "tests/kit/fixtures.hpp"
#include "tests/kit/temporary_directory.hpp"

using namespace reload;
using namespace reload::io;

namespace {

unsigned mode(const std::string& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 07777u;
}

}  // namespace

TEST_CASE("what was sealed is opened with its key and name, and with nothing else; no two sealings are alike") {
  const Bytes key(kSealKeyBytes, 7);
  const auto sealed = seal(key, "alice", "a secret of some length");
  REQUIRE(sealed);
  CHECK(open_sealed(key, "alice", *sealed) == "a secret of some length");
  CHECK(as_text(*sealed).find("secret") == std::string_view::npos);
  CHECK_FALSE(open_sealed(key, "bob", *sealed));
  CHECK_FALSE(open_sealed(Bytes(kSealKeyBytes, 8), "alice", *sealed));
  CHECK_FALSE(open_sealed(Bytes(16, 7), "alice", *sealed));
  CHECK(*seal(key, "alice", "a secret of some length") != *sealed);
  for (std::size_t i = 0; i < sealed->size(); ++i) {
    Bytes changed = *sealed;
    changed[i] ^= 1;
    CHECK_FALSE(open_sealed(key, "alice", changed));
    CHECK_FALSE(open_sealed(key, "alice", ByteView(*sealed).first(i)));
  }
  CHECK(open_sealed(key, "", *seal(key, "", "")) == "");
}

TEST_CASE("the key is made once, for the owner alone, and one of another size is refused") {
  const kit::TemporaryDirectory directory;
  const auto key = seal_key(directory / "key");
  REQUIRE(key);
  CHECK(key->size() == kSealKeyBytes);
  CHECK(mode(directory / "key") == 0600u);
  CHECK(*seal_key(directory / "key") == *key);
  REQUIRE(write_file(directory / "short", Bytes(31, 1)));
  CHECK_FALSE(seal_key(directory / "short"));
  REQUIRE(write_file(directory / "long", Bytes(33, 1)));
  CHECK_FALSE(seal_key(directory / "long"));
}

TEST_CASE("a user's credential is kept encrypted and comes back the same; another key can't read it") {
  const kit::TemporaryDirectory directory;
  kit::Fixture overlay("net.example");
  const auto alice = overlay.issue(kit::node_number(5), "alice@net.example");
  const auto vault = UserVault::open(directory / "users", directory / "key");
  REQUIRE(vault);
  CHECK(mode(directory / "users") == 0700u);
  const auto none = vault->load("alice@net.example", overlay.crypto(), 16);
  REQUIRE(none);
  CHECK_FALSE(*none);
  REQUIRE(vault->keep(*alice));
  const auto kept =
      UserVault::open(directory / "users", directory / "key")->load("alice@net.example", overlay.crypto(), 16);
  REQUIRE((kept && *kept));
  CHECK((*kept)->credential->certificate->hash == alice->certificate->hash);
  CHECK((*kept)->credential->node_id == kit::node_number(5));
  for (const auto& entry : std::filesystem::directory_iterator(directory / "users")) {
    CHECK(mode(entry.path().string()) == 0600u);
    const auto bytes = read_file(entry.path().string(), 100000);
    CHECK(as_text(*bytes).find("PRIVATE KEY") == std::string_view::npos);
    CHECK(entry.path().string().find("alice") == std::string::npos);
  }
  const auto stranger = UserVault::open(directory / "users", directory / "other key");
  REQUIRE(stranger);
  CHECK_FALSE(stranger->load("alice@net.example", overlay.crypto(), 16));
  vault->remove("alice@net.example");
  CHECK_FALSE(*vault->load("alice@net.example", overlay.crypto(), 16));
  vault->remove("alice@net.example");
}
