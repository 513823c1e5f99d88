#include "certs/files.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "reload/io/credential_files.hpp"
#include "reload/io/openssl_crypto.hpp"
#include "tests/unit/certs/full_disk.hpp"
#include "tests/unit/certs/temporary_directory.hpp"

using namespace reload;
using namespace reload::certs;

namespace {
unsigned mode_of(const Path& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 07777u;
}
}  // namespace

TEST_CASE("a file has its mode whatever the umask, and appears complete") {
  const TemporaryDirectory directory;
  const Path path = directory.file("key.pem");
  const mode_t before = ::umask(0);
  CHECK(write_file(path, kPrivateMode, Existing::refuse, "secret"));
  ::umask(before);
  CHECK(mode_of(path) == 0600);
  CHECK(read_file(path) == "secret");
  CHECK(directory.entries() == 1);
}

TEST_CASE("an existing file is refused, or replaced as a whole") {
  const TemporaryDirectory directory;
  const Path path = directory.file("key.pem");
  REQUIRE(write_file(path, kPrivateMode, Existing::refuse, "one"));
  const auto refused = write_file(path, kPrivateMode, Existing::refuse, "two");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().text.find("exists already and is not overwritten") != std::string::npos);
  CHECK(read_file(path) == "one");
  CHECK(write_file(path, kPrivateMode, Existing::replace, "two"));
  CHECK(read_file(path) == "two");
}

TEST_CASE("a file that appears while ours is being written is not overwritten") {
  const TemporaryDirectory directory;
  const Path path = directory.file("key.pem");
  {
    auto file = NewFile::create(path, kPrivateMode, Existing::refuse);
    REQUIRE(file);
    REQUIRE(file->write("mine"));
    REQUIRE(write_file(path, kPrivateMode, Existing::refuse, "theirs"));
    CHECK_FALSE(file->commit());
  }
  CHECK(read_file(path) == "theirs");
  CHECK(directory.entries() == 1);
}

TEST_CASE("what is not committed leaves nothing behind") {
  const TemporaryDirectory directory;
  {
    auto file = NewFile::create(directory.file("key.pem"), kPrivateMode, Existing::refuse);
    REQUIRE(file);
    REQUIRE(file->write("half"));
  }
  CHECK(directory.entries() == 0);
}

TEST_CASE("failures name the file and the cure") {
  const TemporaryDirectory directory;
  const auto missing = write_file(directory.file("no/such/key.pem"), kPrivateMode, Existing::refuse, "x");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().text.find("no/such/key.pem") != std::string::npos);
  CHECK(missing.error().text.find("make the directory") != std::string::npos);
  CHECK(read_file(directory.file("absent")).error().text.find("absent: No such file") != std::string::npos);
  CHECK_FALSE(read_file(directory.file(".")));
  CHECK_FALSE(write_file("/dev/null", kPublicMode, Existing::replace, "x"));
}

TEST_CASE("lines are appended, and an exposed key file is spoken of") {
  const TemporaryDirectory directory;
  const Path path = directory.file("issued.jsonl");
  REQUIRE(append_lines(path, kPrivateMode, "a\n"));
  REQUIRE(append_lines(path, kPrivateMode, "b\n"));
  CHECK(read_file(path) == "a\nb\n");
  CHECK_FALSE(io::exposure_warning(path.string()));
  REQUIRE(::chmod(path.c_str(), 0640) == 0);
  CHECK(io::exposure_warning(path.string()).value_or("").find("(mode 0640): run chmod 600") != std::string::npos);
}

TEST_CASE("lines for which there was no room leave no half of one, and a half that was left is cut off") {
  const TemporaryDirectory directory;
  const Path path = directory.file("issued.jsonl");
  const std::string long_line(5000, 'x');
  REQUIRE(append_lines(path, kPrivateMode, "a\n"));
  {
    const FullDisk full(100);
    const auto refused = append_lines(path, kPrivateMode, "b\n" + long_line + "\n");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().text.find("issued.jsonl") != std::string::npos);
  }
  CHECK(read_file(path) == "a\n");
  REQUIRE(write_file(path, kPrivateMode, Existing::replace, "a\n" + long_line));
  REQUIRE(append_lines(path, kPrivateMode, "b\n"));
  CHECK(read_file(path) == "a\nb\n");
  REQUIRE(write_file(path, kPrivateMode, Existing::replace, long_line));
  REQUIRE(append_lines(path, kPrivateMode, "b\n"));
  CHECK(read_file(path) == "b\n");
}

TEST_CASE("a file that root replaces keeps its owner" * doctest::skip(::geteuid() != 0)) {
  const TemporaryDirectory directory;
  const Path path = directory.file("accounts.journal");
  REQUIRE(write_file(path, kPrivateMode, Existing::refuse, "one"));
  REQUIRE(::chown(path.c_str(), 12345, 12346) == 0);
  REQUIRE(write_file(path, kPrivateMode, Existing::replace, "two"));
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK(status.st_uid == 12345);
  CHECK(status.st_gid == 12346);
  CHECK(mode_of(path) == 0600);
}

TEST_CASE("a directory in place of a credential file is a failure that names it") {
  const TemporaryDirectory directory;
  const std::string path = directory.file(".").string();
  const auto loaded = io::load_credentials(path, io::OpensslCrypto(), 16);
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().text == "cannot read " + path + ": Is a directory");
}
