#include "sip-usage/registrar.hpp"

#include <doctest/doctest.h>

#include "reload/base/prng.hpp"
#include "sip-usage/limits.hpp"
#include "sip-usage/registration_record.hpp"
#include "tests/unit/sip_usage/fake_overlay.hpp"

namespace reload::sip {
namespace {

const std::string kAlice = "alice@demo.example";

struct Bed {
  // The answer's status, or 0 while it waits.
  std::shared_ptr<int> send(Duration expires, std::uint32_t cseq = 0, const std::string& contact = "a") {
    BindingUpdate update{.aor = aor, .call_id = "call", .cseq = cseq == 0 ? ++last_cseq : cseq};
    update.contacts.push_back({"sip:" + contact, contact, 1000, expires});
    return send(update);
  }
  std::shared_ptr<int> send(const BindingUpdate& update) {
    auto status = std::make_shared<int>(0);
    registrar.handle(update, now, [status](const RegisterResult& result) { *status = result.status; });
    return status;
  }
  void pass(Duration time) {
    const Mono end = now + time;
    for (; now < end; now += 1s) registrar.tick(now);
    now = end;
    registrar.tick(now);
  }

  std::string aor = kAlice;
  Mono now{1000s};
  std::uint32_t last_cseq = 0;
  FakeOverlay overlay;
  SipCounters counters;
  Prng rng{1};
  Registrar registrar{overlay, counters, rng};
};

TEST_CASE("7904-3.1-1 7904-7-1: the first contact is stored under the address, keyed by the user's Node-ID") {
  Bed bed;
  const auto status = bed.send(1800s);
  REQUIRE(bed.overlay.stores.size() == 1);
  CHECK(*status == 0);  // the phone waits for the overlay
  const overlay::StoreRequest& request = bed.overlay.stores.front().request;
  CHECK(request.name == kAlice);
  CHECK(request.kind == wire::kKindSipRegistration);
  CHECK(request.user == kAlice);
  CHECK(request.value.exists);
  CHECK(request.value.key == Bytes(16, 0xaa));
  CHECK(decode_registration(request.value.bytes) == Registration(RouteRegistration{"", {bed.overlay.self()}}));
  bed.overlay.answer_store(true);
  CHECK(*status == 200);
}

TEST_CASE("7904-3.1-2: the lifetime stored covers the registration's interval") {
  Bed bed;
  bed.send(1800s);
  CHECK(bed.overlay.stores.front().request.lifetime >= 1800);
  CHECK(bed.overlay.stores.front().request.lifetime <= 1900);
}

TEST_CASE("7904-3.3-3: an address outside the configured domains is not stored") {
  Bed bed;
  bed.overlay.sip_kind = config::Kind{};
  bed.overlay.sip_kind->domain_restriction = config::DomainRestriction{};
  bed.aor = "alice@elsewhere.example";
  bed.overlay.users[bed.aor] = NodeId(Bytes(16, 0xbb));
  CHECK(*bed.send(1800s) == 403);
  CHECK(bed.overlay.stores.empty());
}

TEST_CASE("7904-A-1: a user whose credential is not here can't be registered") {
  Bed bed;
  bed.aor = "bob@demo.example";
  CHECK(*bed.send(1800s) == 403);
  CHECK(bed.overlay.stores.empty());
  CHECK(bed.registrar.bindings().size() == 0);
}

TEST_CASE("where a user's credential will come its phone is to come again, and elsewhere it is refused") {
  Bed bed;
  std::vector<std::string> wanted;
  bed.registrar.on_missing_credential([&](const std::string& aor) {
    wanted.push_back(aor);
    return aor == "bob@demo.example";
  });
  bed.aor = "carol@demo.example";
  CHECK(*bed.send(1800s) == 403);
  CHECK(std::exchange(wanted, {}) == std::vector<std::string>{"carol@demo.example"});
  bed.aor = "bob@demo.example";
  CHECK(*bed.send(1800s) == 503);
  CHECK(wanted == std::vector<std::string>{"bob@demo.example"});
  CHECK(bed.overlay.stores.empty());
  CHECK(bed.registrar.bindings().size() == 0);
  bed.overlay.sip_kind = config::Kind{};
  bed.overlay.sip_kind->domain_restriction = config::DomainRestriction{};
  bed.aor = "bob@elsewhere.example";
  CHECK(*bed.send(1800s) == 403);
  CHECK(wanted.size() == 1);
}

TEST_CASE("A refresh is answered at once, and stores only when much of the lifetime has gone") {
  Bed bed;
  bed.send(60s);
  bed.overlay.answer_store(true);
  for (int minute = 0; minute < 4; ++minute) {
    bed.pass(50s);
    CHECK(*bed.send(60s) == 200);
  }
  CHECK(bed.overlay.stores.size() == 1);  // the Store lives ten minutes
  for (int minute = 0; minute < 8; ++minute) {
    bed.pass(50s);
    CHECK(*bed.send(60s) == 200);
    if (bed.overlay.answered < bed.overlay.stores.size()) bed.overlay.answer_store(true);
  }
  CHECK(bed.overlay.stores.size() == 2);
}

TEST_CASE("a registration is stored again when its user's credential was renewed, also while a Store is under way") {
  Bed bed;
  bed.send(1800s);
  bed.registrar.on_credential_renewed(bed.aor);
  bed.pass(2s);
  CHECK(bed.overlay.stores.size() == 1);
  bed.overlay.answer_store(true);
  bed.pass(2s);
  REQUIRE(bed.overlay.stores.size() == 2);
  bed.overlay.answer_store(true);
  bed.pass(5s);
  CHECK(bed.overlay.stores.size() == 2);
  bed.registrar.on_credential_renewed(bed.aor);
  bed.registrar.on_credential_renewed("bob@demo.example");
  bed.pass(2s);
  CHECK(bed.overlay.stores.size() == 3);
}

TEST_CASE("A registration longer than its Store is stored again without the phone") {
  Bed bed;
  bed.send(600s);
  bed.overlay.answer_store(true);
  bed.pass(200s);
  bed.send(3600s);
  CHECK(bed.overlay.stores.size() == 1);
  bed.pass(400s);
  REQUIRE(bed.overlay.stores.size() == 2);
  CHECK(bed.overlay.stores.back().request.value.exists);
  CHECK(bed.overlay.stores.back().request.lifetime >= 3200);
}

TEST_CASE("7904-3.2-5: the registration ends with the last contact, by removal or expiry") {
  for (const bool expiry : {false, true}) {
    CAPTURE(expiry);
    Bed bed;
    bed.send(120s, 0, "a");
    bed.overlay.answer_store(true);
    bed.send(120s, 0, "b");
    if (!expiry) {
      CHECK(*bed.send(0s, 0, "a") == 200);
      CHECK(bed.overlay.stores.size() == 1);
      CHECK(*bed.send(0s, 0, "b") == 200);
    } else {
      bed.pass(125s);
      CHECK(bed.counters.get(SipCounter::bindings_expired) == 2);
    }
    REQUIRE(bed.overlay.stores.size() == 2);
    const overlay::StoreRequest& removal = bed.overlay.stores.back().request;
    CHECK_FALSE(removal.value.exists);
    CHECK(removal.value.key == Bytes(16, 0xaa));
    CHECK(removal.lifetime >= 470);  // at least the rest of what it removes
    bed.overlay.answer_store(true);
    bed.pass(1000s);
    CHECK(bed.overlay.stores.size() == 2);
  }
}

TEST_CASE("A first Store that fails is tried again; then the phone hears 503 and what may be left is removed") {
  Bed bed;
  const auto status = bed.send(1800s);
  while (*status == 0) {
    bed.overlay.answer_store(false);
    bed.pass(1s);
    REQUIRE(bed.now < Mono(1000s) + 20s);
  }
  CHECK(*status == 503);
  CHECK(bed.registrar.bindings().size() == 0);
  CHECK(bed.counters.get(SipCounter::overlay_store_failures) > 1);
  CHECK_FALSE(bed.overlay.stores.back().request.value.exists);
}

TEST_CASE("A Store that fails once and then succeeds is a 200") {
  Bed bed;
  const auto status = bed.send(1800s);
  bed.overlay.answer_store(false);
  bed.pass(2s);
  bed.overlay.answer_store(true);
  CHECK(*status == 200);
}

TEST_CASE("A refresh that fails in the overlay does not end the registration and is repeated") {
  Bed bed;
  bed.send(600s);
  bed.overlay.answer_store(true);
  bed.pass(550s);
  CHECK(*bed.send(600s) == 200);
  REQUIRE(bed.overlay.stores.size() == 2);
  bed.overlay.answer_store(false);
  bed.pass(10s);
  CHECK(bed.overlay.stores.size() == 3);
  CHECK(bed.registrar.bindings().size() == 1);
}

TEST_CASE("A phone that comes back while its removal is under way waits for a new Store") {
  Bed bed;
  bed.send(600s);
  bed.overlay.answer_store(true);
  bed.send(0s);
  const auto status = bed.send(600s);
  CHECK(*status == 0);
  bed.overlay.answer_store(true);  // the removal
  REQUIRE(bed.overlay.stores.size() == 3);
  CHECK(bed.overlay.stores.back().request.value.exists);
  bed.overlay.answer_store(true);
  CHECK(*status == 200);
}

TEST_CASE("A phone that leaves while its first Store is under way is removed after it") {
  Bed bed;
  const auto first = bed.send(600s);
  CHECK(*bed.send(0s) == 200);
  CHECK(*first == 200);
  bed.overlay.answer_store(true);
  REQUIRE(bed.overlay.stores.size() == 2);
  CHECK_FALSE(bed.overlay.stores.back().request.value.exists);
}

TEST_CASE("RFC 3261 10.3: an old CSeq of the same call changes nothing") {
  Bed bed;
  bed.send(600s, 5);
  bed.overlay.answer_store(true);
  CHECK(*bed.send(0s, 5) == 500);
  CHECK(*bed.send(0s, 4) == 500);
  CHECK(bed.registrar.bindings().size() == 1);
  BindingUpdate all{.aor = kAlice, .remove_all = true, .call_id = "call", .cseq = 5};
  CHECK(*bed.send(all) == 500);
  all.call_id = "another";
  all.cseq = 1;
  CHECK(*bed.send(all) == 200);
  CHECK(bed.registrar.bindings().size() == 0);
}

TEST_CASE("An address has a bounded number of contacts, highest q first, and a refused request changes none") {
  Bed bed;
  for (std::size_t i = 0; i < kMaxContactsPerAor; ++i) bed.send(600s, 0, "c" + std::to_string(i));
  CHECK(*bed.send(600s, 0, "more") == 403);
  CHECK(bed.registrar.bindings().of(kAlice).size() == kMaxContactsPerAor);
  BindingUpdate update{.aor = kAlice, .contacts = {{"sip:c3", "c3", 1000, 600s}}, .call_id = "x", .cseq = 1};
  for (std::size_t i = 0; i < kMaxContactsPerAor; ++i)
    if (i != 3) update.contacts.push_back({"sip:c", "c" + std::to_string(i), 100, 600s});
  bed.send(update);
  CHECK(bed.registrar.bindings().of(kAlice).front().key == "c3");
  CHECK(bed.registrar.bindings().by_contact("c7") != nullptr);
  CHECK(bed.registrar.bindings().by_contact("more") == nullptr);
}

}  // namespace
}  // namespace reload::sip
