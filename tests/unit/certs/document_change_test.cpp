// Documents edited in place, the count of sequences, and the list of bad nodes that does not grow for ever.
#include <doctest/doctest.h>

#include "certs/config_change.hpp"
#include "certs/issued_records.hpp"
#include "certs/overlay_dir.hpp"
#include "reload/config/xml_values.hpp"

using namespace reload;
using namespace reload::certs;

namespace {

constexpr Wall kNow = Wall(std::chrono::hours(24 * 20000));
const std::string kId = "00112233445566778899aabbccddeeff";

// Written by hand, with prefixes of its own.
const std::string kDocument = R"(<?xml version="1.0" encoding="UTF-8"?>
<p:overlay xmlns:p="urn:ietf:params:xml:ns:p2p:config-base" xmlns:c="urn:ietf:params:xml:ns:p2p:config-chord"
  xmlns:x="urn:x">
  <p:configuration instance-name='a.example' sequence = "65534" x:note="a > b">
    <p:bootstrap-node address="192.0.2.1"/>
    <!-- <p:initial-ttl>1</p:initial-ttl> -->
    <p:initial-ttl> 30 </p:initial-ttl>
    <x:thing sequence="1"/>
    <p:bad-node>)" + kId + R"(</p:bad-node>
    <p:self-signed-permitted digest="sha1">true</p:self-signed-permitted>
    <p:required-kinds/>
  </p:configuration>
  <p:signature>AAAA</p:signature>
  <p:configuration instance-name="b.example" sequence="1"/>
  <p:signature>BBBB</p:signature>
</p:overlay>
)";

DocumentEditor editor() {
  auto made = DocumentEditor::make(kDocument);
  REQUIRE(made.has_value());
  return std::move(*made);
}

std::string failure_of(const ConfigChange& change) {
  DocumentEditor edited = editor();
  const auto before = parse_document(kDocument);
  REQUIRE(before.has_value());
  const auto done = apply(change, **before, kNow, edited);
  return done ? std::string() : done.error().text;
}

config::ConfigPtr changed(const ConfigChange& change) {
  DocumentEditor edited = editor();
  const auto before = parse_document(kDocument);
  REQUIRE(before.has_value());
  const auto done = apply(change, **before, kNow, edited);
  REQUIRE_MESSAGE(done.has_value(), (done ? "" : done.error().text));
  const auto after = parse_document(edited.text());
  REQUIRE_MESSAGE(after.has_value(), (after ? "" : after.error().text));
  CHECK(edited.text().find("<!-- <p:initial-ttl>1</p:initial-ttl> -->") != std::string::npos);
  CHECK(edited.text().find("<p:signature>BBBB</p:signature>") != std::string::npos);
  return *after;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::string record(const std::string& user, const std::string& id, Wall until) {
  return R"({"serial":"01","user":")" + user + R"(","node_ids":[")" + id + R"("],"not_after":")" +
         config::from_time(until) + "\"}\n";
}

}  // namespace

TEST_CASE("6940-6.3.2.1-3, 6940-6.3.2.1-9: the version after 65534 is 0, and it counts as newer") {
  CHECK(config::next_sequence(1) == 2);
  CHECK(config::next_sequence(65533) == 65534);
  CHECK(config::next_sequence(65534) == 0);
  CHECK(config::is_newer_sequence(config::next_sequence(65534), 65534));
  DocumentEditor edited = editor();
  edited.set_attribute("sequence", std::to_string(config::next_sequence(65534)));
  CHECK(has(edited.text(), R"(<p:configuration instance-name='a.example' sequence="0" x:note="a > b">)"));
  CHECK(has(edited.text(), R"(<x:thing sequence="1"/>)"));
}

TEST_CASE("signatures of the changed configuration go, those of others stay") {
  const DocumentEditor edited = editor();
  CHECK_FALSE(has(edited.text(), "AAAA"));
  CHECK(has(edited.text(), "BBBB"));
}

TEST_CASE("what is changed is changed in place; what is not stays byte for byte") {
  const auto config = changed({.set = {"initial-ttl=40", "chord-ping-interval=77", "expiration=+10d"}});
  CHECK(config->initial_ttl == 40);
  CHECK(config->chord_ping_interval == std::chrono::seconds(77));
  CHECK(config->expiration == kNow + std::chrono::hours(240));
  DocumentEditor edited = editor();
  edited.set_element(config::kBaseSpace, "initial-ttl", "40");
  std::string by_hand = kDocument;
  by_hand.erase(by_hand.find("<p:signature>AAAA"), std::string("<p:signature>AAAA</p:signature>").size());
  by_hand.replace(by_hand.find("<p:initial-ttl> 30"), std::string("<p:initial-ttl> 30 </p:initial-ttl>").size(),
                  "<p:initial-ttl>40</p:initial-ttl>");
  CHECK(edited.text() == by_hand);
}

TEST_CASE("list elements are added once and removed whatever their form") {
  const std::string other(32, 'a');
  const auto config = changed({.set = {},
                               .add = {"bootstrap-node=[2001:db8::1]:7000", "bad-node=" + other,
                                       "enrollment-server=https://e.example/?a=1&b=2"},
                               .remove = {"bootstrap-node=192.0.2.1:6084"}});
  REQUIRE(config->bootstrap_nodes.size() == 1);
  CHECK(config->bootstrap_nodes[0].port == 7000);
  CHECK(config->bad_nodes.size() == 2);
  CHECK(config->enrollment_servers == std::vector<std::string>{"https://e.example/?a=1&b=2"});
  CHECK(changed({.remove = {"bad-node=00112233445566778899AABBCCDDEEFF"}})->bad_nodes.empty());
  CHECK(has(failure_of({.add = {"bad-node=" + kId}}), "already"));
  CHECK(has(failure_of({.remove = {"bad-node=" + other}}), kId));
}

TEST_CASE("a Kind that the document does not have is put there with its registered form") {
  const auto config = changed({.set = {"SIP-REGISTRATION.max-count=7", "domain-restriction=own"}});
  const config::Kind& kind = *config->kinds.find(wire::kKindSipRegistration);
  CHECK(kind.max_count == 7);
  REQUIRE(kind.domain_restriction);
  CHECK_FALSE(kind.domain_restriction->enable);
  const auto listed = changed({.add = {R"(domain-pattern=.*\.org)", "domain-pattern=a<b"}});
  const auto& restriction = listed->kinds.find(wire::kKindSipRegistration)->domain_restriction;
  REQUIRE(restriction);
  CHECK(restriction->enable);
  CHECK(restriction->patterns.size() == 2);
  CHECK(restriction->patterns[1].text() == "a<b");
}

TEST_CASE("each wrong key or value is named with the cure") {
  CHECK(has(failure_of({.set = {"nonsense=1"}}), "max-message-size"));
  CHECK(has(failure_of({.set = {"initial-ttl"}}), "KEY=VALUE"));
  CHECK(has(failure_of({.set = {"sequence=1"}}), "leave it out"));
  CHECK(has(failure_of({.set = {"bad-node=1"}}), "--add bad-node"));
  CHECK(has(failure_of({.set = {"expiration=2001-01-01T00:00:00Z"}}), "is past"));
  CHECK(has(failure_of({.set = {"expiration=+0"}}), "1 to 36500"));
  CHECK(has(failure_of({.add = {"initial-ttl=3"}}), "no element initial-ttl"));
  CHECK(has(failure_of({.add = {"bad-node=12"}}), "32 hexadecimal"));
}

TEST_CASE("what no document can hold is refused and changes nothing") {
  CHECK(has(failure_of({.set = {"initial-ttl=4\x01"}}), "initial-ttl=4"));
  CHECK(has(failure_of({.set = {"SIP-REGISTRATION.max-size=\xff"}}), "SIP-REGISTRATION.max-size"));
  CHECK(has(failure_of({.add = {"mandatory-extension=\x02"}}), "--add mandatory-extension="));
  CHECK(has(failure_of({.add = {"enrollment-server=https://" + std::string(5'000'000, 'x')}}), "longer than"));
  DocumentEditor edited = editor();
  const std::string before = edited.text();
  edited.add_element("kind-signer", "\x01");
  CHECK(edited.fault().has_value());
  CHECK(edited.text() == before);
}

TEST_CASE("6940-11.1-42: a bad node leaves the list when every certificate of its has ended, and not before") {
  const auto id = *NodeId::parse_hex(kId);
  const auto unknown = *NodeId::parse_hex(std::string(32, 'b'));
  const auto after = [&](const std::string& lines, Wall now) {
    const auto records = IssuedRecords::parse(lines);
    REQUIRE(records.has_value());
    return outlived({id, unknown}, *records, now);
  };
  const std::string one = record("u@a.example", kId, kNow);
  CHECK(after(one, kNow + std::chrono::hours(23)).empty());  // clocks may be behind
  CHECK(after(one, kNow + std::chrono::hours(25)) == std::set{id});
  // Renewed: the later end counts, in whatever order they stand.
  const std::string renewed = record("u@a.example", kId, kNow + std::chrono::hours(240));
  CHECK(after(one + renewed, kNow + std::chrono::hours(25)).empty());
  CHECK(after(renewed + one, kNow + std::chrono::hours(25)).empty());
  CHECK(after(renewed + one, kNow + std::chrono::hours(265)) == std::set{id});
  CHECK(after("", kNow + std::chrono::hours(100000)).empty());  // nobody knows
}

TEST_CASE("records tell a user's valid Node-IDs, and a broken line is named") {
  const auto records =
      IssuedRecords::parse(record("u@a.example", kId, kNow) + record("u@a.example", std::string(32, 'c'), kNow - 1h) +
                           record("v@a.example", std::string(32, 'd'), kNow));
  REQUIRE(records.has_value());
  CHECK(records->of_user("u@a.example", kNow) == std::set{*NodeId::parse_hex(kId)});
  CHECK(records->living(kNow).size() == 2);
  CHECK(records->first_issued(*NodeId::parse_hex(kId)) == Wall());  // these do not tell
  for (const char* broken : {"x", "[]", "{\"user\":\"u\"}", "{\"user\":1,\"node_ids\":[],\"not_after\":\"\"}",
                             "{\"user\":\"u\",\"node_ids\":[\"zz\"],\"not_after\":\"2030-01-01T00:00:00Z\"}",
                             R"({"user":"u","node_ids":[],"not_before":1,"not_after":"2030-01-01T00:00:00Z"})",
                             R"({"user":"u","node_ids":[],"not_before":"","not_after":"2030-01-01T00:00:00Z"})"}) {
    const auto bad = IssuedRecords::parse(record("u@a.example", kId, kNow) + broken + "\n");
    REQUIRE_FALSE(bad.has_value());
    CHECK(has(bad.error().text, "line 2"));
  }
}

TEST_CASE("a record that is being written is not there yet") {
  const std::string whole = record("u@a.example", kId, kNow);
  const std::string next = record("v@a.example", std::string(32, 'd'), kNow);
  for (std::size_t written = 0; written < next.size() - 1; ++written) {
    const auto records = IssuedRecords::parse(whole + next.substr(0, written));
    REQUIRE(records.has_value());
    CHECK(records->living(kNow).size() == 1);
  }
  CHECK(IssuedRecords::parse(whole + next.substr(0, next.size() - 1))->living(kNow).size() == 2);
}

TEST_CASE("records tell when a Node-ID got its first certificate, in whatever order they stand") {
  const auto issued = [](Wall at) {
    return R"({"serial":"01","user":"u@a.example","node_ids":[")" + std::string(kId) + R"("],"not_before":")" +
           config::from_time(at - kBackdating) + R"(","not_after":")" + config::from_time(at + 1h) + "\"}\n";
  };
  const NodeId id = *NodeId::parse_hex(kId);
  for (const std::string& lines : {issued(kNow) + issued(kNow + 10s), issued(kNow + 10s) + issued(kNow)}) {
    const auto records = IssuedRecords::parse(lines);
    REQUIRE(records.has_value());
    CHECK(records->first_issued(id) == kNow);
    CHECK(records->first_issued(*NodeId::parse_hex(std::string(32, 'c'))) == std::nullopt);
  }
}

TEST_CASE("the difference shows what went and what came") {
  CHECK(difference("a\nb\nc\n", "a\nb\nc\n").empty());
  CHECK(difference("a\nb\nc\n", "a\nx\nc\nd\n") == "- b\n+ x\n+ d\n");
  CHECK(difference("", "a\n") == "+ a\n");
}
