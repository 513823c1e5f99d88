#include "reload/io/overlay_files.hpp"

#include <doctest/doctest.h>

#include <filesystem>

#include "reload/security/config_signature.hpp"
#include "tests/kit/cast.hpp"
#include "tests/kit/fixtures.hpp"
#include "tests/kit/temporary_directory.hpp"

using namespace reload;
using namespace reload::kit;

namespace {

const Cast& cast = Cast::get();

// The operator's file and the data directory of one peer.
struct Files {
  void give(const DocumentSpec& spec) {
    REQUIRE(io::write_file(directory + "/given.xml", as_bytes(cast.document(spec))));
  }
  [[nodiscard]] config::ConfigPtr load() const {
    const auto loaded = io::load_overlay_config(directory + "/given.xml", {}, directory, cast.crypto(), kTestNow);
    REQUIRE_MESSAGE(loaded.has_value(), (loaded ? "" : loaded.error().text));
    return *loaded;
  }
  TemporaryDirectory temporary;
  std::string directory = temporary.path();
};

}  // namespace

TEST_CASE("what came by the overlay survives a start: the newer document, and Kinds that are not in it") {
  Files files;
  files.give({.drops_private_kind = true});
  const auto first = files.load();
  CHECK(first->kinds.find(Cast::kPrivateKind) == nullptr);
  const auto trust = security::Trust::make(first, cast.crypto());
  const std::vector<Bytes> blocks{cast.config()->kinds.find(Cast::kPrivateKind)->kind_block};
  const auto learnt = security::accept_kinds(blocks, **trust, kTestNow, cast.crypto());
  REQUIRE(learnt.has_value());
  REQUIRE(io::keep_overlay_config(files.directory, **learnt));

  const auto again = files.load();
  REQUIRE(again->kinds.find(Cast::kPrivateKind) != nullptr);
  CHECK(again->kinds.find(Cast::kPrivateKind)->learnt);
  CHECK(again->sequence == 1);

  REQUIRE(io::keep_overlay_config(files.directory, *cast.config({.sequence = 2})));
  const auto newer = files.load();
  CHECK(newer->sequence == 2);
  CHECK_FALSE(newer->kinds.find(Cast::kPrivateKind)->learnt);
}

TEST_CASE("kept Kinds go with their signer's right, and a damaged file is passed over") {
  Files files;
  files.give({.drops_private_kind = true});
  auto config = *files.load();
  config::Kind kind = *cast.config()->kinds.find(Cast::kPrivateKind);
  kind.learnt = true;
  config.kinds.add(kind);
  REQUIRE(io::keep_overlay_config(files.directory, config));
  files.give({.sequence = 2, .drops_private_kind = true, .drops_kind_signer = true});
  CHECK(files.load()->kinds.find(Cast::kPrivateKind) == nullptr);

  files.give({.sequence = 2, .drops_private_kind = true});
  CHECK(files.load()->kinds.find(Cast::kPrivateKind) != nullptr);
  REQUIRE(io::write_file(files.directory + "/kinds", Bytes{1, 2, 3}));
  CHECK(files.load()->kinds.find(Cast::kPrivateKind) == nullptr);
}

TEST_CASE("6940-14.16-2: a kept document with a shared-secret is for its owner's eyes, whatever was there before") {
  Files files;
  auto config = std::make_shared<config::OverlayConfig>(*cast.config());
  const auto mode = [&] {
    return std::filesystem::status(io::kept_path(files.directory)).permissions() & std::filesystem::perms::all;
  };
  REQUIRE(io::keep_overlay_config(files.directory, *config));
  CHECK((mode() & std::filesystem::perms::others_read) != std::filesystem::perms::none);
  config->shared_secret = "secret";
  REQUIRE(io::keep_overlay_config(files.directory, *config));
  CHECK(mode() == (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
}
