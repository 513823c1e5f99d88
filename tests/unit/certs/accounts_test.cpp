#include "certs/accounts.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/unit/certs/temporary_directory.hpp"

using namespace reload;
using namespace reload::certs;

namespace {

struct Place {
  TemporaryDirectory directory;
  OverlayDir dir{directory.path()};
  std::unique_ptr<Accounts> accounts = std::move(Accounts::open(dir).value());
  std::uint8_t next = 0;

  std::function<Result<NodeId>()> ids() {
    return [this]() -> Result<NodeId> {
      Bytes bytes(16, 7);
      bytes.back() = ++next;
      return NodeId(bytes);
    };
  }
  std::vector<NodeId> assign(const Assignment& wanted) {
    const auto given = accounts->assign(wanted, ids(), [](const NodeId&) { return false; });
    REQUIRE(given);
    REQUIRE(std::holds_alternative<std::vector<NodeId>>(*given));
    return std::get<std::vector<NodeId>>(*given);
  }
  NotAssigned refused(const Assignment& wanted, const std::function<bool(const NodeId&)>& revoked) {
    return std::get<NotAssigned>(accounts->assign(wanted, ids(), revoked).value());
  }
  // Another process.
  [[nodiscard]] std::unique_ptr<Accounts> again() const { return std::move(Accounts::open(dir).value()); }
};

const auto kNone = [](const NodeId&) { return false; };

}  // namespace

TEST_CASE("6940-13.3-1: a user name is given once") {
  Place place;
  REQUIRE(place.accounts->add({"alice@demo.example", "hash", {}, 0}));
  CHECK_FALSE(place.accounts->add({"alice@demo.example", "other", {}, 0}));
  CHECK_FALSE(place.again()->add({"alice@demo.example", "other", {}, 0}));
  CHECK(place.accounts->find("alice@demo.example").value()->password_hash == "hash");
  CHECK(place.accounts->add({"Alice@demo.example", "other", {}, 0}));  // user parts are compared byte by byte
}

TEST_CASE("6940-11.3-20, 6940-13.3-2: a device keeps its Node-IDs, another one and a host's gets others") {
  Place place;
  REQUIRE(place.accounts->add({"alice@x", "hash", {}, 0}));
  const auto phone = place.assign({"alice@x", "", "phone", 1});
  CHECK(place.assign({"alice@x", "", "phone", 1}) == phone);
  const auto laptop = place.assign({"alice@x", "", "laptop", 1});
  const auto hosted = place.assign({"alice@x", "peer@x", "phone", 1});
  CHECK(laptop != phone);
  CHECK(hosted != phone);
  CHECK(hosted != laptop);

  place.accounts = place.again();
  CHECK(place.assign({"alice@x", "", "phone", 1}) == phone);
  const auto more = place.assign({"alice@x", "", "phone", 3});
  CHECK(more.size() == 3);
  CHECK(more[0] == phone[0]);
  CHECK(place.assign({"alice@x", "", "phone", 3}) == more);
  CHECK(place.assign({"alice@x", "", "phone", 1}) == phone);  // and keeps all three
  CHECK(place.assign({"alice@x", "", "phone", 3}) == more);
}

TEST_CASE("a Node-ID is never given twice, also not after its device or account is gone and the file is compacted") {
  Place place;
  std::vector<NodeId> seen;
  const auto assign = [&](const std::string& name, const std::string& device) {
    const auto ids = place.assign({name, "", device, 1});
    CHECK(std::ranges::find(seen, ids[0]) == seen.end());
    seen.push_back(ids[0]);
    place.next = 0;  // the source of Node-IDs proposes all of them again
  };
  REQUIRE(place.accounts->add({"alice@x", "hash", {}, 0}));
  REQUIRE(place.accounts->add({"bob@x", "hash", {}, 0}));
  assign("alice@x", "");
  assign("bob@x", "");
  REQUIRE(place.accounts->remove("alice@x"));
  REQUIRE(place.accounts->add({"alice@x", "hash", {}, 0}));
  assign("alice@x", "");
  REQUIRE(place.accounts->forget_device("bob@x", "", ""));
  assign("bob@x", "");
  for (int i = 0; i < 600; ++i) {
    REQUIRE(place.accounts->set_disabled("bob@x", true));
    REQUIRE(place.accounts->set_disabled("bob@x", false));
  }
  const auto before = std::filesystem::file_size(place.dir.accounts());
  REQUIRE(place.accounts->compact_if_worth());
  CHECK(std::filesystem::file_size(place.dir.accounts()) < before / 10);
  place.accounts = place.again();
  assign("bob@x", "another");
  CHECK(place.assign({"bob@x", "", "", 1}) == std::vector{seen[3]});
}

TEST_CASE("a revoked device gets nothing until it is forgotten, then another Node-ID") {
  Place place;
  REQUIRE(place.accounts->add({"alice@x", "hash", {}, 0}));
  const auto bad = place.assign({"alice@x", "", "", 1}).front();
  const auto revoked = [&](const NodeId& id) { return id == bad; };
  CHECK(place.refused({"alice@x", "", "", 1}, revoked) == NotAssigned::revoked);
  CHECK_FALSE(place.accounts->forget_device("alice@x", "", "no such device"));
  REQUIRE(place.accounts->forget_device("alice@x", "", ""));
  const auto fresh = place.accounts->assign({"alice@x", "", "", 1}, place.ids(), revoked).value();
  CHECK(std::get<std::vector<NodeId>>(fresh).front() != bad);
}

TEST_CASE("no Node-ID for an account that is unknown or disabled, nor for a device too many") {
  Place place;
  CHECK(place.refused({"alice@x", "", "", 1}, kNone) == NotAssigned::no_account);
  REQUIRE(place.accounts->add({"alice@x", "hash", {}, 0}));
  REQUIRE(place.accounts->set_disabled("alice@x", true));
  CHECK(place.refused({"alice@x", "", "", 1}, kNone) == NotAssigned::no_account);
  REQUIRE(place.accounts->set_disabled("alice@x", false));
  for (std::size_t i = 0; i < kMaxDevices; ++i) place.assign({"alice@x", "", std::to_string(i), 1});
  CHECK(place.refused({"alice@x", "", "one more", 1}, kNone) == NotAssigned::too_many_devices);
  CHECK(place.assign({"alice@x", "", "0", 1}).size() == 1);
}

TEST_CASE("an import adds all or none, and names the line of an account that there is") {
  Place place;
  REQUIRE(place.accounts->add({"bob@x", "hash", {"*@x"}, 0}));
  REQUIRE(place.accounts->set_disabled("bob@x", true));
  const auto phone = place.accounts->add({"carol@x", "hash", {}, 0});
  REQUIRE(phone);
  const auto ids = place.assign({"carol@x", "", "", 2});
  const auto refused = place.accounts->import({{"alice@x", "a", {}, 1}, {"bob@x", "b", {}, 2}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().text.starts_with("line 2: the account bob@x exists already"));
  CHECK_FALSE(place.again()->find("alice@x").value());

  REQUIRE(place.accounts->import({{"alice@x", "a", {}, 1}, {"dave@x", "d", {}, 2}}));
  const auto other = place.again();
  for (Accounts* each : {place.accounts.get(), other.get()}) {
    CHECK(each->find("alice@x").value()->password_hash == "a");
    const auto bob = each->find("bob@x").value();
    REQUIRE(bob);
    CHECK(bob->disabled);
    CHECK(bob->hosts == std::vector<std::string>{"*@x"});
    CHECK(each->find("carol@x").value()->device("", "")->node_ids == ids);
  }
}

TEST_CASE("a journal that gives a Node-ID twice is a failure") {
  Place place;
  REQUIRE(place.accounts->add({"alice@x", "hash", {}, 0}));
  const Device phone{"", "phone", place.assign({"alice@x", "", "", 1})};
  AccountJournal journal(place.dir.accounts(), place.dir.accounts_lock());
  AccountStore store;
  const auto lock = journal.lock();
  REQUIRE(lock);
  REQUIRE(journal.refresh(store));
  REQUIRE(journal.append(*lock, record_device("alice@x", phone)));
  const auto read = journal.refresh(store);
  REQUIRE_FALSE(read);
  CHECK(read.error().text.find("a second time") != std::string::npos);
}

TEST_CASE("in a pattern a star stands for any characters and everything else for itself") {
  CHECK(matches_pattern("*", "alice@x"));
  CHECK(matches_pattern("*@x", "alice@x"));
  CHECK(matches_pattern("a*e@*", "alice@x"));
  CHECK(matches_pattern("alice@x", "alice@x"));
  CHECK(matches_pattern("**@x**", "alice@x"));
  CHECK_FALSE(matches_pattern("*@x", "alice@xy"));
  CHECK_FALSE(matches_pattern("*@x.y", "alice@x-y"));
  CHECK_FALSE(matches_pattern("alice@", "alice@x"));
  CHECK_FALSE(matches_pattern("Alice@x", "alice@x"));
  CHECK_FALSE(matches_pattern("", "alice@x"));
  CHECK_FALSE(matches_pattern(std::string(300, '*') + "b", std::string(300, 'a')));
}
