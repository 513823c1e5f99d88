#include "certs/account_journal.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>

#include "tests/unit/certs/temporary_directory.hpp"

using namespace reload;
using namespace reload::certs;

namespace {

struct Records final : JournalReader {
  std::vector<std::string> read;
  void reset() override { read.clear(); }
  Result<void> apply(std::string_view record) override {
    if (record == "unfit") return failure("does not fit");
    read.emplace_back(record);
    return {};
  }
};

struct Place {
  TemporaryDirectory directory;
  Path path = directory.file("accounts.journal");
  Path lock = directory.file("accounts.lock");

  [[nodiscard]] std::string text() const { return read_file(path).value(); }
  void put(std::string_view text) const {
    std::ofstream(path, std::ios::binary | std::ios::trunc)
        .write(text.data(), static_cast<std::streamsize>(text.size()));
  }
  // What another process reads.
  [[nodiscard]] Result<std::vector<std::string>> read() const {
    AccountJournal journal(path, lock);
    Records records;
    if (auto done = journal.refresh(records); !done) return tl::unexpected(done.error());
    return records.read;
  }
  void add(std::string_view record) const {
    AccountJournal journal(path, lock);
    Records records;
    const auto held = journal.lock();
    REQUIRE(held);
    REQUIRE(journal.refresh(records));
    REQUIRE(journal.append(*held, record));
  }
};

using Texts = std::vector<std::string>;
const Texts kRecords{"first", "the second, longer", R"({"third":"é"})", "4"};

}  // namespace

TEST_CASE("a journal cut at any byte is read up to its last whole record, and takes others after that") {
  const Place place;
  std::vector<std::size_t> ends;
  for (const std::string& record : kRecords) {
    place.add(record);
    ends.push_back(place.text().size());
  }
  const std::string whole = place.text();
  for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
    place.put(std::string_view(whole).substr(0, cut));
    const auto kept = std::ranges::count_if(ends, [&](std::size_t end) { return end <= cut; });
    Texts expected(kRecords.begin(), kRecords.begin() + kept);
    CHECK(place.read() == expected);
    place.add("x");  // shorter than what may be left of an unfinished line
    expected.emplace_back("x");
    CHECK(place.read() == expected);
    CHECK(place.text().ends_with("x\n"));
  }
}

TEST_CASE("a bit that has flipped anywhere is a failure that names the line") {
  const Place place;
  for (const std::string& record : kRecords) place.add(record);
  const std::string whole = place.text();
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      std::string altered = whole;
      altered[at] = static_cast<char>(static_cast<unsigned char>(altered[at]) ^ (1u << bit));
      place.put(altered);
      const auto read = place.read();
      REQUIRE_FALSE(read);
      const auto line = 1 + std::count(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(at), '\n');
      CHECK(read.error().text.find("line " + std::to_string(line) + " ") != std::string::npos);
    }
  }
}

TEST_CASE("what another process appends is seen, also after a third one has put another file in the place") {
  const Place place;
  AccountJournal journal(place.path, place.lock);
  Records records;
  REQUIRE(journal.refresh(records));
  CHECK(records.read.empty());
  place.add("one");
  REQUIRE(journal.refresh(records));
  place.add("two");
  REQUIRE(journal.refresh(records));
  CHECK(records.read == Texts{"one", "two"});

  {
    AccountJournal other(place.path, place.lock);
    const auto held = other.lock();
    REQUIRE(held);
    REQUIRE(other.replace(*held, [](const AccountJournal::Give& give) { return give("compact"); }));
  }
  place.add("three");
  REQUIRE(journal.refresh(records));
  CHECK(records.read == Texts{"compact", "three"});
  CHECK(journal.lines() == 3);
}

TEST_CASE("a replacement that fails leaves the file as it was") {
  const Place place;
  place.add("kept");
  AccountJournal journal(place.path, place.lock);
  const auto held = journal.lock();
  REQUIRE(held);
  CHECK_FALSE(journal.replace(*held, [](const AccountJournal::Give& give) -> Result<void> {
    if (auto given = give("half"); !given) return given;
    return failure("no more");
  }));
  CHECK(place.read() == Texts{"kept"});
  CHECK(place.directory.entries() == 2);  // with the lock
}

TEST_CASE("a record that cannot follow, a line without end and another kind of file are failures") {
  const Place place;
  place.add("unfit");
  CHECK(place.read().error().text.find("line 2 does not fit") != std::string::npos);
  place.put(journal_line(R"({"journal":"reload accounts","version":2})"));
  CHECK_FALSE(place.read());
  place.put(std::string(kMaxRecordBytes + 100, 'x'));
  CHECK(place.read().error().text.find("has no end") != std::string::npos);
}
