#include "certs/audit_log.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "tests/unit/certs/full_disk.hpp"
#include "tests/unit/certs/temporary_directory.hpp"

using namespace reload;
using namespace reload::certs;

TEST_CASE("the audit log goes on where it was, and keeps so many older files") {
  const TemporaryDirectory directory;
  const Path path = directory.file("audit.jsonl");
  {
    AuditLog log(path, 25);
    REQUIRE(log.write("one 567890\n"));
  }
  AuditLog log(path, 25);
  REQUIRE(log.write("two 567890\n"));
  CHECK(read_file(path) == "one 567890\ntwo 567890\n");
  REQUIRE(log.write("three\n"));
  CHECK(read_file(path) == "three\n");
  CHECK(read_file(path.string() + ".1") == "one 567890\ntwo 567890\n");
  for (int i = 0; i < 20; ++i) REQUIRE(log.write("four 67890 1234567890\n"));
  CHECK(directory.entries() == 1 + kAuditFiles);
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777u) == 0600);
}

TEST_CASE("a line for which there was no room leaves no half of it") {
  const TemporaryDirectory directory;
  const Path path = directory.file("audit.jsonl");
  AuditLog log(path);
  REQUIRE(log.write("one\n"));
  {
    const FullDisk full(6);
    CHECK_FALSE(log.write("two and more\n"));
  }
  REQUIRE(log.write("three\n"));
  CHECK(read_file(path) == "one\nthree\n");
}

TEST_CASE("a log that cannot be written is a failure that names the file") {
  const TemporaryDirectory directory;
  AuditLog log(directory.file("no") / "audit.jsonl");
  const auto written = log.write("x\n");
  REQUIRE_FALSE(written);
  CHECK(written.error().text.find("audit.jsonl") != std::string::npos);
}
