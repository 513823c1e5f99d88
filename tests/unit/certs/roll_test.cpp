// The keys at an overlay's top replaced: runs that were interrupted, and others at the same time.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <fstream>
#include <future>
#include <sstream>

#include "certs/change_commands.hpp"
#include "certs/issued_records.hpp"
#include "reload/config/overlay_xml.hpp"
#include "tests/unit/certs/temporary_directory.hpp"

using namespace reload;
using namespace reload::certs;

namespace {

const Wall kNow = from_unix_seconds(1'800'000'000);

struct Bed {
  TemporaryDirectory directory;
  OverlayDir dir{directory.path() / "overlay"};
  std::ostringstream out;
  Streams streams{out, out};

  Bed() {
    InitOptions options;
    options.dir = dir.root;
    options.settings.overlay = "demo.example";
    REQUIRE(run_init(options, kNow, streams));
  }
  static Result<void> no_push(const Path&, const std::vector<std::string>&, const Streams&) { return {}; }
  Result<void> roll_signer() { return run_roll_signer({.dir = dir.root}, kNow, no_push, streams); }
  Result<void> roll_ca(bool finish, Wall now = kNow) {
    return run_roll_ca({.dir = dir.root, .finish = finish}, now, no_push, streams);
  }
  [[nodiscard]] Authority authority() const {
    std::optional<std::string> warning;
    return dir.load_authority(*dir.load_config().value(), warning).value();
  }
  // A member's certificate, as the enrolment server gives it.
  void certify(const Authority& by, const NodeId& id, Wall now) const {
    Request request;
    request.user_name = "alice@demo.example";
    request.node_ids = {id};
    request.validity = validity_for(now, 7);
    REQUIRE(append_lines(dir.records(), kPrivateMode, by.issue(request).value().record()));
  }
};

bool has(const Result<void>& done, std::string_view part) {
  return !done && done.error().text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a signer that an interrupted run has replaced is dropped by the next one") {
  Bed bed;
  const auto first = bed.dir.load_config().value()->configuration_signers;
  REQUIRE(bed.roll_signer());
  // The run ended between putting the new signer in its place and the document without the old one.
  const auto between = read_document(bed.dir.history() / "00002.xml").value();
  REQUIRE(between->configuration_signers.size() == 2);
  REQUIRE(write_file(bed.dir.document(), kPublicMode, Existing::replace, as_text(between->document)));
  REQUIRE(bed.roll_signer());
  const auto config = bed.dir.load_config().value();
  CHECK(config->configuration_signers.size() == 1);
  CHECK(config->kind_signers == config->configuration_signers);
  CHECK_FALSE(config->is_configuration_signer(first.front()));
}

TEST_CASE("a certificate of the old authority holds up its end, however late its record came") {
  Bed bed;
  const NodeId member = *NodeId::parse_hex("00112233445566778899aabbccddeeff");
  const Authority old = bed.authority();
  REQUIRE(bed.roll_ca(false));
  REQUIRE(bed.authority().id() != old.id());
  bed.certify(old, member, kNow);  // a server that had read the authority before it was changed
  CHECK(has(bed.roll_ca(true), "old authority only: alice@demo.example"));
  bed.certify(bed.authority(), member, kNow + 1s);
  CHECK(has(bed.roll_ca(true, kNow + 2s), "wait "));
  CHECK(bed.roll_ca(true, kNow + 60s));
}

TEST_CASE("a change of the authority that was interrupted is not finished before it was made") {
  Bed bed;
  REQUIRE(bed.roll_ca(false));
  // As it was before the last file had moved.
  std::filesystem::rename(bed.dir.ca_certificate(), bed.dir.next_ca_certificate());
  CHECK(has(bed.roll_ca(true), "was interrupted: first go on with reload-certs roll-ca"));
  REQUIRE(bed.roll_ca(false));
  CHECK(bed.roll_ca(true));
}

TEST_CASE("a document is not signed in between another run's reading and writing of it") {
  Bed bed;
  struct stat status {};
  auto lock = std::make_unique<Result<FileLock>>(FileLock::take(bed.dir.change_lock()));
  REQUIRE(*lock);
  REQUIRE(::stat(bed.dir.change_lock().c_str(), &status) == 0);
  auto signing = std::async(std::launch::async, [&] {
    return run_sign_config({.dir = bed.dir.root, .in = bed.dir.document()}, kNow, bed.streams).has_value();
  });
  const auto is_done = [&] { return signing.wait_for(std::chrono::milliseconds(1)) == std::future_status::ready; };
  const auto waits = [&] {
    std::ifstream locks("/proc/locks");
    const std::string inode = ":" + std::to_string(status.st_ino) + " ";
    for (std::string line; std::getline(locks, line);)
      if (line.find("-> FLOCK") != std::string::npos && line.find(inode) != std::string::npos) return true;
    return false;
  };
  while (!waits() && !is_done()) {
  }
  CHECK_FALSE(is_done());
  lock.reset();
  CHECK(signing.get());
}
