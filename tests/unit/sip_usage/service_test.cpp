// Two peers' SIP sides with a fake overlay between them, and sipp as the phones.
#include "sip-usage/sofia/service.hpp"

#include <doctest/doctest.h>
#include <poll.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "sip-usage/registration_record.hpp"
#include "sip-usage/sofia/openssl_hash.hpp"
#include "tests/unit/sip_usage/fake_network.hpp"
#include "tests/unit/sip_usage/sipp.hpp"

namespace reload::sip {
namespace {

const std::string kOverlay = "demo.example";

NodeId peer_id(std::uint8_t n) { return NodeId(Bytes(16, n)); }
NodeId user_id(unsigned user, std::uint8_t peer) {
  Bytes bytes(16, peer);
  bytes[0] = static_cast<std::uint8_t>(0x40 + user);
  return NodeId(bytes);
}
std::string aor(unsigned user) { return "user" + std::to_string(user) + "@" + kOverlay; }

// One word after the other until it holds, at most ten seconds.
template <class Condition>
bool eventually(Condition condition) {
  for (int tries = 0; tries < 1000; ++tries) {
    if (condition()) return true;
    poll(nullptr, 0, 10);
  }
  return false;
}

struct Bed {
  Bed() {
    char name[] = "/tmp/passwords-XXXXXX";
    close(mkstemp(name));
    passwords = name;
    const OpensslHash hash;
    std::ofstream out(passwords);
    for (unsigned user = 0; user < 10; ++user) {
      const std::string secret = "user" + std::to_string(user) + ":" + kOverlay + ":secret" + std::to_string(user);
      out << aor(user) << ':' << kOverlay << ':' << hash.md5(secret) << ':' << hash.sha256(secret) << '\n';
    }
  }
  ~Bed() { unlink(passwords.c_str()); }

  SipOptions options(std::uint16_t port) const {
    SipOptions out;
    out.listen = {{"127.0.0.1", port}};
    out.passwords_file = passwords;
    return out;
  }
  OverlayFacts facts(std::uint8_t peer) const {
    OverlayFacts out;
    out.self = peer_id(peer);
    out.overlay_name = kOverlay;
    out.joined = true;
    for (unsigned user = 0; user < 9; ++user) out.users[aor(user)] = user_id(user, peer);
    return out;
  }
  std::unique_ptr<SipService> start(std::uint8_t peer, const SipOptions& options) {
    Result<std::unique_ptr<SipService>> service =
        SipService::start(options, facts(peer), network.add_node(peer_id(peer)));
    REQUIRE_MESSAGE(service.has_value(), (service ? "" : service.error().text));
    return std::move(*service);
  }
  void start_both() {
    port1 = free_port();
    one = start(1, options(port1));
    port2 = free_port();
    two = start(2, options(port2));
  }
  static std::string at(std::uint16_t port) { return "127.0.0.1:" + std::to_string(port); }

  SippRun register_run(unsigned user, std::uint16_t proxy, std::uint16_t contact, bool tcp = false) const {
    const std::string name = "user" + std::to_string(user);
    return {.scenario = "register",
            .remote = at(proxy),
            .tcp = tcp,
            .keys = {{"user", name},
                     {"domain", kOverlay},
                     {"expires", "600"},
                     {"contact", "<sip:" + name + "@" + at(contact) + (tcp ? ";transport=tcp>" : ">")}},
            .password = "secret" + std::to_string(user)};
  }
  SippRun call_run(const std::string& scenario, unsigned from, unsigned to, std::uint16_t proxy,
                   bool tcp = false) const {
    return {.scenario = scenario,
            .remote = at(proxy),
            .tcp = tcp,
            .port = free_port(),
            .keys = {{"user", "user" + std::to_string(from)},
                     {"callee", "user" + std::to_string(to)},
                     {"domain", kOverlay},
                     {"from_domain", kOverlay}},
            .password = "secret" + std::to_string(from)};
  }
  SippRun phone_run(const std::string& scenario, unsigned user, std::uint16_t port, bool tcp = false) const {
    return {.scenario = scenario, .tcp = tcp, .port = port, .keys = {{"user", "user" + std::to_string(user)}}};
  }

  FakeNetwork network;
  std::string passwords;
  std::uint16_t port1 = 0, port2 = 0;
  std::unique_ptr<SipService> one, two;
};

#define NEEDS_SIPP()                                        \
  if (!Sipp::installed()) {                                 \
    MESSAGE("skipped: sipp (sip-tester) is not installed"); \
    return;                                                 \
  }

TEST_CASE("7904-3.1-1: a phone that registers with its password is stored in the overlay, and removed when it leaves") {
  NEEDS_SIPP();
  for (const bool tcp : {false, true}) {
    CAPTURE(tcp);
    Bed bed;
    bed.start_both();
    SippRun run = bed.register_run(1, bed.port1, 7001, tcp);
    CHECK(play(run) == "");
    CHECK(bed.network.entries(aor(1)) == 1);
    CHECK(eventually([&] { return bed.one->status().get(SipCounter::registrations) == 1; }));
    CHECK(bed.one->status().get(SipCounter::registers_challenged) == 1);
    CHECK(bed.one->status().get(SipCounter::registers_ok) == 1);

    CHECK(play(run) == "");  // a refresh from another call
    CHECK(bed.network.stores() == 1);

    run.keys["contact"] = "*";
    run.keys["expires"] = "0";
    CHECK(play(run) == "");
    CHECK(eventually([&] { return bed.network.entries(aor(1)) == 0; }));
    CHECK(eventually([&] { return bed.one->status().get(SipCounter::registrations) == 0; }));
  }
}

TEST_CASE("A wrong password, and a user this peer holds no credential for, are refused and nothing is stored") {
  NEEDS_SIPP();
  Bed bed;
  bed.start_both();
  SippRun run = bed.register_run(1, bed.port1, 7001);
  run.scenario = "register_refused";
  run.password = "wrong";
  CHECK(play(run) == "");
  SippRun other = bed.register_run(9, bed.port1, 7001);
  other.scenario = "register_refused";
  CHECK(play(other) == "");
  CHECK(bed.network.stores() == 0);
  CHECK(bed.one->status().get(SipCounter::registers_refused) == 2);
}

TEST_CASE("A phone hears 503 when the overlay does not store, and is not registered") {
  NEEDS_SIPP();
  Bed bed;
  bed.start_both();
  bed.network.fail_stores(true);
  SippRun run = bed.register_run(1, bed.port1, 7001);
  run.scenario = "register_failed";
  CHECK(play(run) == "");
  CHECK(eventually([&] { return bed.one->status().get(SipCounter::registrations) == 0; }));
  CHECK(bed.one->status().get(SipCounter::overlay_store_failures) > 1);
}

TEST_CASE("7904-4.1-2 7904-5.1-7: calls from one peer reach a phone at another over one connection") {
  NEEDS_SIPP();
  for (const bool tcp : {false, true}) {
    CAPTURE(tcp);
    Bed bed;
    bed.start_both();
    const std::uint16_t phone = free_port();
    Sipp answering([&] {
      SippRun run = bed.phone_run("answer", 2, phone, tcp);
      run.calls = 20;
      return run;
    }());
    REQUIRE(wait_for_port(phone, tcp));
    CHECK(play(bed.register_run(2, bed.port2, phone, tcp)) == "");
    SippRun calls = bed.call_run("call", 1, 2, bed.port1, tcp);
    calls.calls = 20;
    calls.rate = 20;
    CHECK(play(calls) == "");
    CHECK(answering.result() == "");
    CHECK(eventually([&] { return bed.one->status().get(SipCounter::transactions) == 0; }));
    const SipStatus caller = bed.one->status();
    const SipStatus callee = bed.two->status();
    CHECK(caller.get(SipCounter::calls_answered) == 20);
    CHECK(callee.get(SipCounter::calls_in) == 20);
    CHECK(caller.get(SipCounter::pipes_opened) == 1);
    CHECK(callee.get(SipCounter::pipes_accepted) == 1);
  }
}

TEST_CASE("A call within one peer, and one from a stranger, are connected") {
  NEEDS_SIPP();
  Bed bed;
  bed.start_both();
  const std::uint16_t phone = free_port();
  Sipp answering([&] {
    SippRun run = bed.phone_run("answer", 2, phone);
    run.calls = 2;
    return run;
  }());
  REQUIRE(wait_for_port(phone, false));
  CHECK(play(bed.register_run(2, bed.port1, phone)) == "");
  CHECK(play(bed.call_run("call", 1, 2, bed.port1)) == "");
  SippRun stranger = bed.call_run("stranger_call", 1, 2, bed.port1);
  stranger.keys["from_domain"] = "elsewhere.example";
  CHECK(play(stranger) == "");
  CHECK(answering.result() == "");
}

TEST_CASE("A request within a call goes to the contact given in it, also of a phone on the peer's own machine") {
  NEEDS_SIPP();
  Bed bed;
  bed.start_both();
  const std::uint16_t phone = free_port();
  Sipp answering(bed.phone_run("answer", 7, phone));  // in its answers another user than it has registered
  REQUIRE(wait_for_port(phone, false));
  CHECK(play(bed.register_run(2, bed.port2, phone)) == "");
  CHECK(play(bed.call_run("call", 1, 2, bed.port1)) == "");
  CHECK(answering.result() == "");
}

TEST_CASE("A call that is cancelled ends with 487 at both phones") {
  NEEDS_SIPP();
  Bed bed;
  bed.start_both();
  const std::uint16_t phone = free_port();
  Sipp ringing(bed.phone_run("ring", 2, phone));
  REQUIRE(wait_for_port(phone, false));
  CHECK(play(bed.register_run(2, bed.port2, phone)) == "");
  CHECK(play(bed.call_run("cancelled_call", 1, 2, bed.port1)) == "");
  CHECK(ringing.result() == "");
  CHECK(eventually([&] { return bed.one->status().get(SipCounter::calls_cancelled) == 1; }));
}

TEST_CASE("7904-4.1-5: an unknown user is 404, a known one without phones 480, a lost peer 503, a wrong password 403") {
  NEEDS_SIPP();
  Bed bed;
  bed.start_both();
  CHECK(play(bed.call_run("call_404", 1, 77, bed.port1)) == "");
  CHECK(play(bed.call_run("call_480", 1, 2, bed.port1)) == "");
  SippRun wrong = bed.call_run("call_403", 1, 2, bed.port1);
  wrong.password = "wrong";
  CHECK(play(wrong) == "");
  CHECK(play(bed.register_run(2, bed.port2, 7001)) == "");
  bed.network.end_node(peer_id(2));
  CHECK(play(bed.call_run("call_503", 1, 2, bed.port1)) == "");
}

TEST_CASE("Strangers' calls can be turned off") {
  NEEDS_SIPP();
  Bed bed;
  SipOptions options = bed.options(free_port());
  options.anonymous_calls = false;
  bed.one = bed.start(1, options);
  SippRun stranger = bed.call_run("stranger_403", 1, 2, options.listen.front().port);
  stranger.keys["from_domain"] = "elsewhere.example";
  CHECK(play(stranger) == "");
}

TEST_CASE("A call rings all phones of a user at all peers; one answers and the others are cancelled") {
  NEEDS_SIPP();
  Bed bed;
  bed.start_both();
  const std::uint16_t first = free_port();
  Sipp answering(bed.phone_run("answer", 2, first));
  REQUIRE(wait_for_port(first, false));
  const std::uint16_t second = free_port();
  Sipp ringing(bed.phone_run("ring", 2, second));
  REQUIRE(wait_for_port(second, false));
  CHECK(play(bed.register_run(2, bed.port2, first)) == "");
  CHECK(play(bed.register_run(2, bed.port1, second)) == "");
  CHECK(bed.network.entries(aor(2)) == 2);
  CHECK(play(bed.call_run("call", 1, 2, bed.port1)) == "");
  CHECK(answering.result() == "");
  CHECK(bed.one->status().get(SipCounter::forks) == 1);
}

TEST_CASE("A call is forwarded where a registration names another address") {
  NEEDS_SIPP();
  Bed bed;
  bed.start_both();
  const std::uint16_t phone = free_port();
  Sipp answering(bed.phone_run("answer", 2, phone));
  REQUIRE(wait_for_port(phone, false));
  CHECK(play(bed.register_run(2, bed.port2, phone)) == "");
  bed.network.put(aor(3), Bytes(16, 9), encode_registration(UriRegistration{aor(2)}));
  CHECK(play(bed.call_run("call", 1, 3, bed.port1)) == "");
  CHECK(answering.result() == "");
}

TEST_CASE("A flood of REGISTERs without credentials is refused, then dropped, and phones are served on") {
  NEEDS_SIPP();
  Bed bed;
  SipOptions options = bed.options(free_port());
  options.register_rate = {.per_second = 5, .burst = 20};
  bed.one = bed.start(1, options);
  SippRun flood = bed.register_run(1, options.listen.front().port, 7001);
  flood.scenario = "flood";
  flood.calls = 300;
  flood.rate = 3000;
  play(flood);  // its answers are not what matters
  CHECK(eventually([&] {
    const SipStatus status = bed.one->status();
    return status.get(SipCounter::registers_received) == 300;
  }));
  const SipStatus status = bed.one->status();
  CHECK(status.get(SipCounter::registers_challenged) < 60);
  CHECK(status.get(SipCounter::registers_rate_limited) > 0);
  CHECK(status.get(SipCounter::registers_dropped) > 0);
}

TEST_CASE("A port in use, a wildcard address and a bad password file are errors that say so") {
  Bed bed;
  const std::uint16_t port = free_port();
  bed.one = bed.start(1, bed.options(port));
  const auto again = SipService::start(bed.options(port), bed.facts(2), bed.network.add_node(peer_id(2)));
  REQUIRE_FALSE(again);
  CHECK(again.error().text.find(std::to_string(port)) != std::string::npos);
  CHECK(again.error().text.find("in use") != std::string::npos);

  SipOptions wildcard = bed.options(port);
  wildcard.listen.front().address = "0.0.0.0";
  CHECK_FALSE(SipService::start(wildcard, bed.facts(2), bed.network.add_node(peer_id(2))));

  SipOptions missing = bed.options(free_port());
  missing.passwords_file = "/nowhere/passwords";
  const auto without = SipService::start(missing, bed.facts(2), bed.network.add_node(peer_id(2)));
  REQUIRE_FALSE(without);
  CHECK(without.error().text.find("/nowhere/passwords") != std::string::npos);
}

}  // namespace
}  // namespace reload::sip
