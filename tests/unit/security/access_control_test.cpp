#include "reload/security/access_control.hpp"

#include <doctest/doctest.h>

#include "reload/wire/writer.hpp"
#include "tests/kit/fixtures.hpp"

using namespace reload;
using namespace reload::security;
using config::AccessPolicy;
using kit::node_number;

namespace {

const std::string kUser = "alice@demo.example";

struct Bed {
  kit::Fixture overlay{"demo.example"};
  config::OverlayConfig config = overlay.config();

  [[nodiscard]] Signer signer(const std::vector<NodeId>& ids, const std::string& user, std::size_t used = 0) const {
    return {overlay.issue(ids, user)->certificate, ids[used]};
  }
  [[nodiscard]] ResourceId at(ByteView name) const { return resource_of(overlay.crypto(), name); }
  [[nodiscard]] ResourceId at(const NodeId& id, Bytes more = {}) const {
    Bytes name = to_bytes(id.view());
    append(name, more);
    return at(name);
  }
  [[nodiscard]] std::string fault(const config::Kind& kind, const ResourceId& resource, const Signer& signer,
                                  const wire::StoredDataValue& value) const {
    const auto result = check_access(config, kind, resource, signer, value, overlay.crypto());
    return result ? std::string() : result.error().text;
  }
};

config::Kind kind_with(AccessPolicy policy) {
  config::Kind kind;
  kind.id = KindId{0xf0000001};
  kind.policy = policy;
  kind.max_node_multiple = 300;
  return kind;
}

wire::StoredDataValue entry(const NodeId& key, bool exists = true) {
  return wire::DictionaryEntry{to_bytes(key.view()), {exists, {}}};
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("6940-7.3.1-1, 6940-13.5.1-2: USER-MATCH accepts exactly the user whose name hashes to the Resource-ID") {
  const Bed bed;
  const auto kind = kind_with(AccessPolicy::user_match);
  const Signer alice = bed.signer({node_number(1)}, kUser);
  CHECK(bed.fault(kind, bed.at(as_bytes(kUser)), alice, wire::DataValue{}).empty());
  CHECK(has(bed.fault(kind, bed.at(as_bytes("bob@demo.example")), alice, wire::DataValue{}), "does not hash"));
  CHECK_FALSE(bed.fault(kind, bed.at(as_bytes("Alice@demo.example")), alice, wire::DataValue{}).empty());
  CHECK_FALSE(bed.fault(kind, bed.at(node_number(1)), alice, wire::DataValue{}).empty());
  CHECK_FALSE(bed.fault(kind, ResourceId(), alice, wire::DataValue{}).empty());
  CHECK_FALSE(bed.fault(kind, bed.at(as_bytes(kUser)), Signer{}, wire::DataValue{}).empty());
}

TEST_CASE("6940-7.3.2-1: NODE-MATCH accepts exactly the Node-ID that signed, not another of its certificate") {
  const Bed bed;
  const auto kind = kind_with(AccessPolicy::node_match);
  const Signer second = bed.signer({node_number(1), node_number(2)}, kUser, 1);
  CHECK(bed.fault(kind, bed.at(node_number(2)), second, wire::DataValue{}).empty());
  CHECK(has(bed.fault(kind, bed.at(node_number(1)), second, wire::DataValue{}), node_number(2).hex()));
  CHECK_FALSE(bed.fault(kind, bed.at(as_bytes(kUser)), second, wire::DataValue{}).empty());
  // A Node-ID that the certificate doesn't hold at all.
  Signer foreign = second;
  foreign.node_id = node_number(3);
  CHECK(has(bed.fault(kind, bed.at(node_number(3)), foreign, wire::DataValue{}), "not known"));
}

TEST_CASE(
    "6940-7.3.3-2, 6940-7.3.3-3, 6940-7.3.3-4: USER-NODE-MATCH wants the user's resource and the signing Node-ID as "
    "key") {
  const Bed bed;
  const auto kind = kind_with(AccessPolicy::user_node_match);
  const Signer first = bed.signer({node_number(1), node_number(2)}, kUser, 0);
  const ResourceId here = bed.at(as_bytes(kUser));
  CHECK(bed.fault(kind, here, first, entry(node_number(1))).empty());
  CHECK(bed.fault(kind, here, first, entry(node_number(1), false)).empty());
  CHECK(has(bed.fault(kind, here, first, entry(node_number(2))), "key"));  // its own, but not the one that signed
  CHECK(has(bed.fault(kind, here, first, entry(node_number(3))), "key"));
  CHECK(has(bed.fault(kind, bed.at(as_bytes("bob@demo.example")), first, entry(node_number(1))), "does not hash"));
  CHECK(has(bed.fault(kind, here, first, wire::DataValue{}), "dictionary"));
  CHECK(has(bed.fault(kind, here, first, wire::ArrayEntry{}), "dictionary"));
  const std::string hex_key = node_number(1).hex();
  CHECK_FALSE(bed.fault(kind, here, first, wire::DictionaryEntry{to_bytes(as_bytes(hex_key)), {}}).empty());
}

TEST_CASE("6940-7.3.4-1, 6940-7.3.4-3: NODE-MULTIPLE tries every i up to the Kind's maximum, in one byte or four") {
  const Bed bed;
  auto kind = kind_with(AccessPolicy::node_multiple);
  kind.max_node_multiple = 3;
  const Signer first = bed.signer({node_number(1), node_number(2)}, kUser, 0);
  for (std::uint8_t i = 1; i <= 3; ++i) {
    CHECK(bed.fault(kind, bed.at(node_number(1), {i}), first, wire::DataValue{}).empty());
    CHECK(bed.fault(kind, bed.at(node_number(1), {0, 0, 0, i}), first, wire::DataValue{}).empty());
    CHECK_FALSE(bed.fault(kind, bed.at(node_number(2), {i}), first, wire::DataValue{}).empty());
  }
  CHECK(has(bed.fault(kind, bed.at(node_number(1), {4}), first, wire::DataValue{}), "up to 3"));
  CHECK_FALSE(bed.fault(kind, bed.at(node_number(1), {0}), first, wire::DataValue{}).empty());
  CHECK_FALSE(bed.fault(kind, bed.at(node_number(1)), first, wire::DataValue{}).empty());
  kind.max_node_multiple = 300;
  CHECK(bed.fault(kind, bed.at(node_number(1), {0, 0, 1, 0x2c}), first, wire::DataValue{}).empty());
  CHECK_FALSE(bed.fault(kind, bed.at(node_number(1), {0x2c, 1}), first, wire::DataValue{}).empty());
}

// Test case 9 of the specification's list.
TEST_CASE("7904-3.3-1, 7904-3.4-6, 7904-3.4-7: which domains the overlay admits") {
  Bed bed;
  const auto admits = [&](std::string_view domain) { return domain_admissible(bed.config, domain); };
  const auto restrict_to = [&](std::optional<config::DomainRestriction> rule) {
    config::Kind kind = *bed.config.kinds.find(wire::kKindSipRegistration);
    kind.domain_restriction = std::move(rule);
    bed.config.kinds.add(kind);
  };
  const auto pattern = [](std::string text) { return *config::DomainPattern::compile(std::move(text)); };
  CHECK(admits("anything.example"));
  CHECK_FALSE(admits(""));
  restrict_to(config::DomainRestriction{false, {pattern("other.example")}});
  CHECK(admits("demo.example"));
  CHECK(admits("DEMO.Example"));
  CHECK_FALSE(admits("sub.demo.example"));
  CHECK_FALSE(admits("other.example"));
  restrict_to(config::DomainRestriction{true, {}});
  CHECK_FALSE(admits("demo.example"));
  restrict_to(config::DomainRestriction{true, {pattern(R"(dht\.example\.com)"), pattern(R"(.*\.my\.example)")}});
  CHECK(admits("DHT.Example.COM"));
  CHECK(admits("a.my.example"));
  CHECK_FALSE(admits("my.example"));
  CHECK_FALSE(admits("xdht.example.com"));
  CHECK_FALSE(admits("dht.example.com.evil.org"));
  CHECK_FALSE(admits("demo.example"));
}

TEST_CASE(
    "7904-3.3-4, 7904-3.3-5, 7904-3.3-6: a registration is checked for its address of record on top of the policy") {
  Bed bed;
  config::Kind kind = *bed.config.kinds.find(wire::kKindSipRegistration);
  const auto store = [&](const std::string& user) {
    const Signer signer{std::make_shared<Certificate>([&] {
                          Certificate certificate = *bed.overlay.issue(node_number(1), kUser)->certificate;
                          certificate.user_name = user;
                          return certificate;
                        }()),
                        node_number(1)};
    return bed.fault(kind, bed.at(as_bytes(user)), signer, entry(node_number(1)));
  };
  CHECK(store(kUser).empty());
  CHECK(store("alice@far.example").empty());
  for (const char* user : {"alice", "@demo.example", "alice@"}) CHECK(has(store(user), "no SIP address of record"));
  CHECK(has(
      bed.fault(kind, bed.at(as_bytes(kUser)), bed.signer({node_number(1)}, "bob@demo.example"), entry(node_number(1))),
      "does not hash"));
  CHECK(
      has(bed.fault(kind, bed.at(as_bytes(kUser)), bed.signer({node_number(1)}, kUser), entry(node_number(2))), "key"));
  kind.domain_restriction = config::DomainRestriction{};
  bed.config.kinds.add(kind);
  CHECK(store(kUser).empty());
  CHECK(has(store("alice@far.example"), "not admitted"));
}
