#include "reload/security/config_signature.hpp"

#include <doctest/doctest.h>

#include "reload/base/limits.hpp"
#include "reload/config/overlay_xml.hpp"
#include "tests/kit/fixtures.hpp"

using namespace reload;
using namespace reload::security;
using kit::kTestNow;
using kit::node_number;

namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

struct Bed {
  kit::Fixture overlay{"demo.example"};
  CredentialPtr signer = overlay.issue(node_number(1), "signer@demo.example");
  CredentialPtr kind_signer = overlay.issue(node_number(2), "kinds@demo.example");
  CredentialPtr stranger = overlay.issue(node_number(3), "mallory@demo.example");

  [[nodiscard]] config::OverlayConfig settings(std::uint16_t sequence) const {
    auto config = overlay.config();
    config.sequence = sequence;
    config.configuration_signers = {signer->node_id};
    config.kind_signers = {kind_signer->node_id};
    config::Kind own;
    own.id = KindId{0xf0000001};
    own.policy = config::AccessPolicy::node_match;
    config.kinds.add(own);
    return config;
  }
  [[nodiscard]] std::string sign(const config::OverlayConfig& config) const {
    return sign(config, signer, kind_signer);
  }
  [[nodiscard]] std::string sign(const config::OverlayConfig& config, const CredentialPtr& by,
                                 const CredentialPtr& kinds_by) const {
    const auto signed_text = sign_config(config::write_config(config), "", *by, *kinds_by, overlay.crypto());
    REQUIRE(signed_text.has_value());
    return *signed_text;
  }
  [[nodiscard]] config::ConfigPtr read(std::string_view document) const {
    const auto config = config::read_config(as_bytes(document), "demo.example", [&](ByteView bytes) {
      return overlay.crypto().hash(wire::HashAlgorithm::sha1, {bytes});
    });
    REQUIRE_MESSAGE(config.has_value(), (config ? "" : config.error().text));
    return *config;
  }
  [[nodiscard]] std::string first_fault(std::string_view document) const {
    const auto verified = verify_first(read(document), kTestNow, overlay.crypto());
    return verified ? std::string() : verified.error().text;
  }
  [[nodiscard]] TrustPtr current(std::uint16_t sequence) const { return overlay.trust_of(settings(sequence)); }
  [[nodiscard]] UpdateRefused refused(std::string_view document, const Trust& trust) const {
    const auto accepted = accept_update(as_bytes(document), trust, kTestNow, overlay.crypto());
    REQUIRE_FALSE(accepted.has_value());
    return accepted.error();
  }
};

std::string changed(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

std::string without(std::string text, std::string_view name) {
  const std::size_t begin = text.find("<" + std::string(name) + ">");
  const std::size_t end = text.find("</" + std::string(name) + ">") + name.size() + 3;
  REQUIRE(begin != std::string::npos);
  return text.erase(begin, end - begin);
}

}  // namespace

TEST_CASE("6940-11.1-65, 6940-11.1-66, 6940-14.16-1: a document is signed and verified with ECDSA and RSA signers") {
  const Bed bed;
  auto rsa = bed.overlay.spec({node_number(1)}, "signer@demo.example");
  rsa.key_type = io::KeyType::rsa_2048;
  for (const auto& signer : {bed.signer, bed.overlay.issue(rsa)}) {
    const auto config = bed.read(bed.sign(bed.settings(1), signer, bed.kind_signer));
    CHECK(config->element.signatures.size() == 1);
    const auto verified = verify_first(config, kTestNow, bed.overlay.crypto());
    REQUIRE_MESSAGE(verified.has_value(), (verified ? "" : verified.error().text));
    CHECK((*verified)->kinds.find(KindId{0xf0000001})->signer == bed.kind_signer->node_id);
    CHECK((*verified)->document == config->document);
  }
}

TEST_CASE(
    "6940-11.1-63, 6940-11.1-64, 6940-11.1-69: every byte of the configuration counts, white space too, and no byte "
    "outside") {
  const Bed bed;
  const std::string text = bed.sign(bed.settings(1));
  CHECK(bed.first_fault(text).empty());
  CHECK(has(bed.first_fault(changed(text, "<configuration ", "<configuration  ")), "does not verify"));
  CHECK(has(bed.first_fault(changed(text, "</configuration>", "</configuration >")), "does not verify"));
  CHECK(has(bed.first_fault(changed(text, "</topology-plugin>", "</topology-plugin> ")), "does not verify"));
  CHECK(has(bed.first_fault(changed(text, "sequence=\"1\"", "sequence=\"2\"")), "does not verify"));
  CHECK(bed.first_fault(changed(text, "<overlay ", "<overlay  ")).empty());
  CHECK(bed.first_fault(changed(text, "</signature>", "</signature>\n <!-- -->")).empty());
}

// T59.
TEST_CASE("a first document may be unsigned, but a signature that is there must be right") {
  const Bed bed;
  CHECK(bed.first_fault(without(bed.sign(bed.settings(1)), "signature")).empty());
  CHECK(has(bed.first_fault(bed.sign(bed.settings(1), bed.stranger, bed.kind_signer)), "not among those"));
  const auto old = bed.overlay.expired(node_number(1), "signer@demo.example");
  CHECK(has(bed.first_fault(bed.sign(bed.settings(1), old, bed.kind_signer)), "expired"));
  const auto other = bed.overlay.from_other_authority(node_number(1), "signer@demo.example");
  CHECK(has(bed.first_fault(bed.sign(bed.settings(1), other, bed.kind_signer)), "does not chain"));
  auto banned = bed.settings(1);
  banned.bad_nodes = {bed.signer->node_id};
  CHECK(has(bed.first_fault(bed.sign(banned)), "bad-node"));
  const std::string text = bed.sign(bed.settings(1));
  CHECK(has(bed.first_fault(
                changed(without(text, "signature"), "</configuration>", "</configuration><signature>AAAA</signature>")),
            "no SecurityBlock"));
  // A wrong one before the right one does no harm.
  CHECK(bed.first_fault(changed(text, "</configuration>", "</configuration><signature>AAAA</signature>")).empty());
}

TEST_CASE("6940-11.1-59, 6940-11.1-61, 6940-11.1-62: a kind-block needs the signature of a kind-signer") {
  const Bed bed;
  const auto fault = [&](const CredentialPtr& kinds_by) {
    return bed.first_fault(bed.sign(bed.settings(1), bed.signer, kinds_by));
  };
  CHECK(fault(bed.kind_signer).empty());
  CHECK(has(fault(bed.stranger), "kind 4026531841"));
  CHECK(has(fault(bed.signer), "not among those"));  // a configuration-signer is no kind-signer
  const std::string text = without(bed.sign(bed.settings(1)), "signature");
  CHECK(has(bed.first_fault(without(text, "kind-signature")), "not signed"));
  CHECK(has(bed.first_fault(changed(text, "<max-count>16", "<max-count>17")), "does not verify"));
}

// 6940-11.1-72: what the new document says of a Kind holds.
TEST_CASE("6940-6.5.4.2-2, 6940-11.1-68: an update must be newer and signed by a signer of the current document") {
  const Bed bed;
  const TrustPtr current = bed.current(5);
  auto next = bed.settings(6);
  next.initial_ttl = 42;
  const auto accepted = accept_update(as_bytes(bed.sign(next)), *current, kTestNow, bed.overlay.crypto());
  REQUIRE_MESSAGE(accepted.has_value(), (accepted ? "" : accepted.error().text));
  CHECK((*accepted)->initial_ttl == 42);
  CHECK((*accepted)->kinds.find(KindId{0xf0000001})->signer == bed.kind_signer->node_id);

  // The new document names its own signer; the current one doesn't know it.
  auto usurped = bed.settings(6);
  usurped.configuration_signers = {bed.stranger->node_id};
  CHECK(bed.refused(bed.sign(usurped, bed.stranger, bed.kind_signer), *current).code == wire::ErrorCode::forbidden);
  // A hand-over to a new signer is signed by the old one.
  CHECK(accept_update(as_bytes(bed.sign(usurped)), *current, kTestNow, bed.overlay.crypto()).has_value());
}

TEST_CASE("6940-6.5.4.2-3: each update that is not right is answered with its error") {
  const Bed bed;
  const TrustPtr current = bed.current(5);
  using wire::ErrorCode;
  const std::string next = bed.sign(bed.settings(6));
  CHECK(bed.refused(bed.sign(bed.settings(5)), *current).code == ErrorCode::config_too_old);
  CHECK(bed.refused(bed.sign(bed.settings(4)), *current).code == ErrorCode::config_too_old);
  CHECK(bed.refused(bed.sign(bed.settings(65000)), *current).code == ErrorCode::config_too_old);
  CHECK(bed.refused("", *current).code == ErrorCode::invalid_message);
  CHECK(bed.refused("<overlay/>", *current).code == ErrorCode::invalid_message);
  CHECK(bed.refused(next.substr(0, next.size() / 2), *current).code == ErrorCode::invalid_message);
  CHECK(bed.refused(changed(next, "demo.example", "othr.example"), *current).code == ErrorCode::invalid_message);
  CHECK(bed.refused(without(next, "signature"), *current).code == ErrorCode::forbidden);
  CHECK(bed.refused(changed(next, "</topology-plugin>", "</topology-plugin> "), *current).code == ErrorCode::forbidden);
  CHECK(bed.refused(bed.sign(bed.settings(6), bed.signer, bed.stranger), *current).code == ErrorCode::forbidden);
  CHECK_FALSE(bed.refused(next.substr(1), *current).must_leave);
  auto rootless = bed.settings(6);
  rootless.root_certs.clear();
  CHECK(bed.refused(bed.sign(rootless), *current).must_leave);
}

TEST_CASE("6940-11.1-71: a rightly signed document that can't be met says that the overlay is to be left") {
  const Bed bed;
  auto next = bed.settings(6);
  next.topology_plugin = "KADEMLIA";
  const auto refused = bed.refused(bed.sign(next), *bed.current(5));
  CHECK(refused.must_leave);
  CHECK(refused.code == wire::ErrorCode::incompatible_with_overlay);
  CHECK(has(refused.text, "KADEMLIA"));
  // Only if it is rightly signed.
  CHECK_FALSE(bed.refused(bed.sign(next, bed.stranger, bed.kind_signer), *bed.current(5)).must_leave);
}

TEST_CASE("6940-6.5.4.2-4, 6940-6.5.4.2-5: a Kind update needs a kind-signer, and the same one as before") {
  const Bed bed;
  const auto block_by = [&](const CredentialPtr& by) {
    return to_bytes(bed.read(bed.sign(bed.settings(1), bed.signer, by))->kinds.find(KindId{0xf0000001})->kind_block);
  };
  const Bytes block = block_by(bed.kind_signer);
  const auto& crypto = bed.overlay.crypto();
  auto settings = bed.settings(1);
  settings.kinds.remove(KindId{0xf0000001});
  const auto kind = accept_kind(block, *bed.overlay.trust_of(settings), kTestNow, crypto);
  REQUIRE_MESSAGE(kind.has_value(), (kind ? "" : kind.error().text));
  CHECK(kind->signer == bed.kind_signer->node_id);
  settings.kinds.add(*kind);
  CHECK(accept_kind(block, *bed.overlay.trust_of(settings), kTestNow, crypto).has_value());

  settings.kind_signers.push_back(bed.stranger->node_id);
  const auto foreign = accept_kind(block_by(bed.stranger), *bed.overlay.trust_of(settings), kTestNow, crypto);
  REQUIRE_FALSE(foreign.has_value());
  CHECK(foreign.error().code == wire::ErrorCode::forbidden);
  CHECK(has(foreign.error().text, "another signer"));
  settings.kind_signers = {bed.stranger->node_id};
  CHECK(accept_kind(block, *bed.overlay.trust_of(settings), kTestNow, crypto).error().code ==
        wire::ErrorCode::forbidden);
  CHECK(accept_kind(as_bytes("<kind-block/>"), *bed.overlay.trust_of(settings), kTestNow, crypto).error().code ==
        wire::ErrorCode::invalid_message);
}

TEST_CASE("the Kinds of a ConfigUpdate are added all or none, bounded, and change nothing that is known") {
  const Bed bed;
  const auto& crypto = bed.overlay.crypto();
  const auto block_of = [&](std::uint32_t id, const CredentialPtr& by, std::uint32_t max_count = 16) {
    auto settings = bed.settings(1);
    config::Kind kind = *settings.kinds.find(KindId{0xf0000001});
    kind.id = KindId{id};
    kind.max_count = max_count;
    settings.kinds.add(kind);
    return bed.read(bed.sign(settings, bed.signer, by))->kinds.find(KindId{id})->kind_block;
  };
  const Bytes first = block_of(0xf0000002, bed.kind_signer);
  const TrustPtr current = bed.current(5);
  const auto taken = accept_kinds(std::vector<Bytes>{first, first}, *current, kTestNow, crypto);
  REQUIRE(taken.has_value());
  REQUIRE(*taken != nullptr);
  const config::Kind* learnt = (*taken)->kinds.find(KindId{0xf0000002});
  REQUIRE(learnt != nullptr);
  CHECK(learnt->learnt);
  CHECK(learnt->signer == bed.kind_signer->node_id);
  CHECK((*taken)->sequence == 5);

  const TrustPtr after = bed.overlay.trust_of(**taken);
  CHECK(*accept_kinds(std::vector<Bytes>{first}, *after, kTestNow, crypto) == nullptr);
  // A definition of another time, rightly signed.
  CHECK(*accept_kinds(std::vector<Bytes>{block_of(0xf0000002, bed.kind_signer, 9)}, *after, kTestNow, crypto) ==
        nullptr);
  const auto half_good =
      accept_kinds(std::vector<Bytes>{block_of(0xf0000003, bed.kind_signer), block_of(0xf0000004, bed.stranger)},
                   *after, kTestNow, crypto);
  REQUIRE_FALSE(half_good.has_value());
  CHECK(half_good.error().code == wire::ErrorCode::forbidden);
  CHECK_FALSE(half_good.error().must_leave);

  auto full = **taken;
  for (std::uint32_t i = 0; i < limits::kMaxLearntKinds; ++i) {
    config::Kind kind = *learnt;
    kind.id = KindId{0xf0001000 + i};
    full.kinds.add(std::move(kind));
  }
  CHECK_FALSE(accept_kinds(std::vector<Bytes>{block_of(0xf0000003, bed.kind_signer)}, *bed.overlay.trust_of(full),
                           kTestNow, crypto));
}

TEST_CASE("6940-11.1-73: a Kind that was learnt goes with the right of its signer; the document's definition wins") {
  const Bed bed;
  const auto& crypto = bed.overlay.crypto();
  const KindId id{0xf0000001};
  const Bytes block = bed.read(bed.sign(bed.settings(1)))->kinds.find(id)->kind_block;
  auto without_kind = bed.settings(5);
  without_kind.kinds.remove(id);
  const auto learnt = accept_kinds(std::vector<Bytes>{block}, *bed.overlay.trust_of(without_kind), kTestNow, crypto);
  REQUIRE(learnt.has_value());
  const TrustPtr current = bed.overlay.trust_of(**learnt);
  const auto after = [&](const config::OverlayConfig& next, const CredentialPtr& kinds_by) {
    const auto taken =
        accept_update(as_bytes(bed.sign(next, bed.signer, kinds_by)), *current, kTestNow, bed.overlay.crypto());
    REQUIRE_MESSAGE(taken.has_value(), (taken ? "" : taken.error().text));
    return *taken;
  };
  without_kind.sequence = 6;
  const auto kept = after(without_kind, bed.kind_signer);
  REQUIRE(kept->kinds.find(id) != nullptr);
  CHECK(kept->kinds.find(id)->learnt);

  auto other_signer = without_kind;
  other_signer.kind_signers = {bed.stranger->node_id};
  CHECK(after(other_signer, bed.stranger)->kinds.find(id) == nullptr);
  auto banned_signer = without_kind;
  banned_signer.bad_nodes = {bed.kind_signer->node_id};
  CHECK(after(banned_signer, bed.kind_signer)->kinds.find(id) == nullptr);

  const auto defined = after(bed.settings(6), bed.kind_signer);
  CHECK_FALSE(defined->kinds.find(id)->learnt);
}

TEST_CASE("another length of Node-IDs is another ring: the overlay is to be left") {
  const Bed bed;
  auto next = bed.settings(6);
  next.node_id_length = 20;
  // Its signers are named in the new length, so that the document itself is good.
  const auto refused = bed.refused(bed.sign(next), *bed.current(5));
  CHECK(refused.code != wire::ErrorCode::config_too_old);
}

TEST_CASE("signing again replaces the signatures and nothing else; prefixes and other configurations are kept") {
  const Bed bed;
  const std::string once = bed.sign(bed.settings(1));
  const auto twice = sign_config(once, "demo.example", *bed.signer, *bed.kind_signer, bed.overlay.crypto());
  REQUIRE(twice.has_value());
  CHECK(bed.first_fault(*twice).empty());
  CHECK(bed.read(*twice)->element.signatures.size() == 1);
  CHECK(without(without(*twice, "signature"), "kind-signature") ==
        without(without(once, "signature"), "kind-signature"));

  const std::string prefixed =
      "<r:overlay xmlns:r='urn:ietf:params:xml:ns:p2p:config-base'>\r\n<r:configuration instance-name='x.example' "
      "sequence='1'/><r:signature>AQID</r:signature>\n<r:configuration instance-name='demo.example' "
      "sequence='9'><r:root-cert>" +
      to_base64(bed.overlay.authority().der()) + "</r:root-cert><r:configuration-signer>" + node_number(1).hex() +
      "</r:configuration-signer></r:configuration>\n</r:overlay>";
  const auto signed_text = sign_config(prefixed, "demo.example", *bed.signer, *bed.kind_signer, bed.overlay.crypto());
  REQUIRE(signed_text.has_value());
  CHECK(has(*signed_text, "<r:signature>AQID</r:signature>"));
  CHECK(bed.first_fault(*signed_text).empty());
  CHECK(bed.read(*signed_text)->element.signatures.size() == 1);
  CHECK_FALSE(sign_config(prefixed, "y.example", *bed.signer, *bed.kind_signer, bed.overlay.crypto()).has_value());
  CHECK_FALSE(sign_config("<r", "", *bed.signer, *bed.kind_signer, bed.overlay.crypto()).has_value());
}

TEST_CASE("6940-11.1-66: a signature stands in the document as the base64 of its SecurityBlock") {
  Bed bed;
  const std::string text = bed.sign(bed.settings(1));
  for (const std::string name : {"signature", "kind-signature"}) {
    const std::size_t from = text.find("<" + name + ">") + name.size() + 2;
    const std::string inside = text.substr(from, text.find("</" + name + ">") - from);
    const auto block = from_base64(inside);
    REQUIRE(block.has_value());
    CHECK(wire::decode<wire::SecurityBlock>(*block).has_value());
    std::string hex = text;
    hex.replace(from, inside.size(), to_hex(*block) + "_");
    const auto sha1 = [&](ByteView bytes) { return bed.overlay.crypto().hash(wire::HashAlgorithm::sha1, {bytes}); };
    CHECK_FALSE(config::read_config(as_bytes(hex), "demo.example", sha1).has_value());
  }
}
