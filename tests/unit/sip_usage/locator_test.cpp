#include "sip-usage/locator.hpp"

#include <doctest/doctest.h>

#include "sip-usage/gruu.hpp"
#include "sip-usage/limits.hpp"
#include "sip-usage/registration_record.hpp"
#include "tests/unit/sip_usage/fake_overlay.hpp"

namespace reload::sip {
namespace {

NodeId node(std::uint8_t n) { return NodeId(Bytes(16, n)); }
Registration route(std::uint8_t n, std::string prefs = "") { return RouteRegistration{std::move(prefs), {node(n)}}; }
Registration uri(std::string text) { return UriRegistration{std::move(text)}; }

struct Bed {
  void resolve(const std::string& text) {
    locator.resolve(parse_aor(text).value(), [this](Resolution resolution) {
      ++answers;
      result = std::move(resolution);
    });
  }
  void answer(std::size_t fetch, const std::vector<Registration>& registrations) {
    std::vector<overlay::FetchedValue> values;
    for (const Registration& registration : registrations)
      values.push_back({.value = {.bytes = encode_registration(registration)}});
    overlay.fetches.at(fetch).done(values);
  }
  FakeOverlay overlay;
  SipCounters counters;
  std::vector<std::string> seen;  // where the entries read were stored
  Locator locator{overlay, counters,
                  [this](const std::string& aor, const auto&, const Registration&) { seen.push_back(aor); }};
  Resolution result;
  int answers = 0;
};

TEST_CASE("7904-4.2-1 7904-4.2-2: a look-up fetches the whole dictionary of the address and gives each node once") {
  Bed bed;
  bed.resolve("sip:alice@demo.example");
  REQUIRE(bed.overlay.fetches.size() == 1);
  CHECK(bed.overlay.fetches[0].request.name == "alice@demo.example");
  CHECK(bed.overlay.fetches[0].request.kind == wire::kKindSipRegistration);
  CHECK(bed.overlay.fetches[0].request.keys.empty());
  bed.answer(0, {route(5), route(6), route(5)});
  CHECK(bed.answers == 1);
  REQUIRE(bed.result.targets.size() == 2);
  CHECK(bed.result.targets[0] == Target{"alice@demo.example", {node(5)}, wire::kApplicationSip});
}

TEST_CASE("7904-4.2-3: an address among the results is looked up in turn") {
  Bed bed;
  bed.resolve("sip:alice@demo.example");
  bed.answer(0, {uri("bob@demo.example"), route(5)});
  CHECK(bed.answers == 0);
  REQUIRE(bed.overlay.fetches.size() == 2);
  bed.answer(1, {route(6)});
  CHECK(bed.answers == 1);
  REQUIRE(bed.result.targets.size() == 2);
  CHECK(bed.result.targets[1].name == "bob@demo.example");
  CHECK(bed.seen == std::vector<std::string>{"alice@demo.example", "alice@demo.example", "bob@demo.example"});
}

TEST_CASE("Forwarding in a circle ends, and so does a chain without end") {
  Bed circle;
  circle.resolve("sip:alice@demo.example");
  circle.answer(0, {uri("sip:bob@demo.example")});
  circle.answer(1, {uri("sip:alice@demo.example")});
  CHECK(circle.answers == 1);
  CHECK(circle.result.targets.empty());
  CHECK(circle.overlay.fetches.size() == 2);

  Bed chain;
  chain.resolve("sip:u0@demo.example");
  for (std::size_t i = 0; i < chain.overlay.fetches.size(); ++i)
    chain.answer(i, {uri("sip:u" + std::to_string(i + 1) + "@demo.example")});
  CHECK(chain.answers == 1);
  CHECK(chain.overlay.fetches.size() == kMaxFetchesPerCall);
}

TEST_CASE("7904-8.2.1-1: the number of targets is limited") {
  Bed bed;
  bed.resolve("sip:alice@demo.example");
  std::vector<Registration> many;
  for (std::uint8_t n = 1; n < 100; ++n) many.push_back(route(n));
  bed.answer(0, many);
  CHECK(bed.result.targets.size() == kMaxTargetsPerCall);
}

TEST_CASE("7904-4.1-2 7904-6-2: a GRUU needs no Fetch, dialled or stored") {
  Bed dialled;
  dialled.resolve("sip:" + make_gruu("alice@demo.example", {node(7)}));
  CHECK(dialled.overlay.fetches.empty());
  CHECK(dialled.answers == 1);
  CHECK(dialled.result.targets == std::vector<Target>{{"alice@demo.example", {node(7)}, wire::kApplicationSip}});

  Bed stored;
  stored.resolve("sip:alice@demo.example");
  stored.answer(0, {route(7), uri(make_gruu("alice@demo.example", {node(7)}))});
  CHECK(stored.overlay.fetches.size() == 1);
  CHECK(stored.result.targets.size() == 1);  // 7904-4.2-4: the same list by both ways
}

TEST_CASE("7904-4.2-5 7904-4.1-4: other domains and schemes are left to their own procedures") {
  Bed bed;
  bed.overlay.sip_kind = config::Kind{};
  bed.overlay.sip_kind->domain_restriction = config::DomainRestriction{};
  bed.resolve("sip:alice@demo.example");
  bed.answer(0, {uri("bob@elsewhere.example"), uri("tel:+123")});
  CHECK(bed.result.targets.empty());
  CHECK(bed.result.external == std::vector<std::string>{"bob@elsewhere.example", "tel:+123"});

  Bed other;
  other.overlay.sip_kind = bed.overlay.sip_kind;
  other.resolve("sip:bob@elsewhere.example");
  CHECK(other.overlay.fetches.empty());
  CHECK(other.result.external.size() == 1);
}

TEST_CASE("7904-5.1-2 7904-5.1-9: the application id follows the dialled scheme, then the callee's preference") {
  Bed plain;
  plain.resolve("sip:alice@demo.example");
  plain.answer(0, {route(5), route(6, std::string(kPrefsSips))});
  CHECK(plain.result.targets[0].application == wire::kApplicationSip);
  CHECK(plain.result.targets[1].application == wire::kApplicationSips);

  Bed secure;
  secure.resolve("sips:alice@demo.example");
  secure.answer(0, {route(5, std::string(kPrefsSip)), uri("bob@demo.example")});
  secure.answer(1, {route(6)});
  for (const Target& target : secure.result.targets) CHECK(target.application == wire::kApplicationSips);
}

TEST_CASE("What can't be read, is removed, of a later type or ends in no Node-ID is passed over") {
  Bed bed;
  bed.resolve("sip:alice@demo.example");
  std::vector<overlay::FetchedValue> values(3);
  values[0].value.bytes = {2, 0, 0};
  values[1].value.exists = false;
  values[2].value.bytes = {9, 0, 1, 7};
  values.push_back({.value = {.bytes = encode_registration(RouteRegistration{"", {ResourceId(Bytes(16, 3))}})}});
  bed.overlay.fetches[0].done(values);
  CHECK(bed.answers == 1);
  CHECK(bed.result.targets.empty());
  CHECK(bed.counters.get(SipCounter::records_malformed) == 2);
}

TEST_CASE("Not found is no failure; anything else is") {
  for (const auto code : {wire::ErrorCode::not_found, wire::ErrorCode::request_timeout}) {
    Bed bed;
    bed.resolve("sip:alice@demo.example");
    bed.overlay.fetches[0].done(tl::unexpected<overlay::Error>({code, ""}));
    CHECK(bed.answers == 1);
    CHECK_FALSE(bed.result.registered);
    CHECK(bed.result.failed == (code != wire::ErrorCode::not_found));
  }
}

}  // namespace
}  // namespace reload::sip
