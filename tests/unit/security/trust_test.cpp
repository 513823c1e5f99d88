#include "reload/security/trust.hpp"

#include <doctest/doctest.h>

#include "reload/security/message_auth.hpp"
#include "tests/kit/fixtures.hpp"

using namespace reload;
using namespace reload::security;
using kit::kTestNow;
using kit::node_number;

namespace {

const std::string kUser = "alice@demo.example";

// What check says; empty when it accepts.
std::string fault(const Trust& trust, const CredentialPtr& credential, const Crypto& crypto, Wall now = kTestNow) {
  const auto result = trust.check(*credential->certificate, credential->intermediates, now, crypto);
  return result ? std::string() : result.error().text;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("6940-13.3-5, 6940-11.3-31: a certificate of the overlay's authority is accepted, of any other it is not") {
  const kit::Fixture overlay("demo.example");
  const TrustPtr trust = overlay.trust();
  CHECK(fault(*trust, overlay.issue(node_number(1), kUser), overlay.crypto()).empty());
  // The other authority has the same name, so only the signature tells.
  CHECK(has(fault(*trust, overlay.from_other_authority(node_number(1), kUser), overlay.crypto()), "does not verify"));
  const kit::Authority stranger("Stranger CA");
  CHECK(has(fault(*trust, stranger.issue(overlay.spec({node_number(1)}, kUser)), overlay.crypto()),
            "neither a root-cert"));
  CHECK(has(fault(*trust, kit::make_self_signed(overlay.spec({node_number(1)}, kUser)), overlay.crypto()),
            "does not chain"));
}

TEST_CASE("6940-7.1-3: the time must be within the certificate's validity, both ends included") {
  const kit::Fixture overlay("demo.example");
  const TrustPtr trust = overlay.trust();
  CHECK(has(fault(*trust, overlay.expired(node_number(1), kUser), overlay.crypto()), "expired"));
  CHECK(has(fault(*trust, overlay.not_yet_valid(node_number(1), kUser), overlay.crypto()), "not valid yet"));
  auto spec = overlay.spec({node_number(1)}, kUser);
  spec.from = kTestNow;
  spec.to = kTestNow + 10s;
  const auto credential = overlay.issue(spec);
  CHECK_FALSE(fault(*trust, credential, overlay.crypto(), kTestNow - 1s).empty());
  CHECK(fault(*trust, credential, overlay.crypto(), kTestNow).empty());
  CHECK(fault(*trust, credential, overlay.crypto(), kTestNow + 10s).empty());
  CHECK_FALSE(fault(*trust, credential, overlay.crypto(), kTestNow + 11s).empty());
}

TEST_CASE("6940-11.1-41: a certificate with a bad-node's Node-ID is refused, even if it has good ones too") {
  const kit::Fixture overlay("demo.example");
  auto config = overlay.config();
  config.bad_nodes = {node_number(2), node_number(5)};
  const TrustPtr trust = overlay.trust_of(config);
  CHECK(fault(*trust, overlay.issue(node_number(1), kUser), overlay.crypto()).empty());
  CHECK(has(fault(*trust, overlay.issue(node_number(2), kUser), overlay.crypto()), "bad-node"));
  CHECK(has(fault(*trust, overlay.issue({node_number(1), node_number(5)}, kUser), overlay.crypto()),
            node_number(5).hex()));
  CHECK_FALSE(trust->check_current(*overlay.issue(node_number(2), kUser)->certificate, kTestNow).has_value());
}

// 6940-11.3-14: one user name and at least one Node-ID of this overlay.
TEST_CASE("a certificate must have the form that the overlay's enrolment gives") {
  const kit::Fixture overlay("demo.example");
  const TrustPtr trust = overlay.trust();
  const auto with = [&](auto change) {
    auto spec = overlay.spec({node_number(1)}, kUser);
    change(spec);
    return fault(*trust, overlay.issue(spec), overlay.crypto());
  };
  CHECK(has(with([](auto& spec) { spec.node_ids.clear(); }), "no Node-ID"));
  CHECK(has(with([](auto& spec) { spec.users.clear(); }), "no user name"));
  CHECK(has(with([](auto& spec) { spec.overlay = "other.example"; }), "of overlay other.example, not demo.example"));
  CHECK(with([](auto& spec) { spec.common_name = "Alice"; }).empty());
  CHECK(has(fault(*trust, overlay.issue(*NodeId::from_bytes(Bytes(20, 7)), kUser), overlay.crypto()), "20 bytes"));
}

TEST_CASE("6940-11.3-31: a chain goes over intermediate authorities, within their BasicConstraints") {
  const kit::Fixture overlay("demo.example");
  const TrustPtr trust = overlay.trust();
  using io::KeyType;
  const kit::Authority middle("Middle CA", KeyType::ecdsa_p256, &overlay.authority());
  const kit::Authority lower("Lower CA", KeyType::rsa_2048, &middle);
  const kit::Authority lowest("Lowest CA", KeyType::ecdsa_p256, &lower);
  const auto spec = overlay.spec({node_number(1)}, kUser);
  CHECK(fault(*trust, middle.issue(spec, {middle.certificate()}), overlay.crypto()).empty());
  CHECK(has(fault(*trust, middle.issue(spec), overlay.crypto()), "neither a root-cert"));
  CHECK(fault(*trust, lower.issue(spec, {lower.certificate(), middle.certificate()}), overlay.crypto()).empty());
  CHECK(fault(*trust, lower.issue(spec, {middle.certificate(), lower.certificate()}), overlay.crypto()).empty());
  CHECK_FALSE(fault(*trust, lower.issue(spec, {lower.certificate()}), overlay.crypto()).empty());
  // One certificate more than limits::kMaxChainLength.
  CHECK_FALSE(fault(*trust, lowest.issue(spec, {lowest.certificate(), lower.certificate(), middle.certificate()}),
                    overlay.crypto())
                  .empty());

  const kit::Authority no_ca("No CA", KeyType::ecdsa_p256, &overlay.authority(), {}, kit::kValidFrom, kit::kValidTo,
                             false);
  CHECK(has(fault(*trust, no_ca.issue(spec, {no_ca.certificate()}), overlay.crypto()), "no CA certificate"));
  const kit::Authority old_ca("Old CA", KeyType::ecdsa_p256, &overlay.authority(), {}, kit::kValidFrom, kTestNow - 1s);
  CHECK(has(fault(*trust, old_ca.issue(spec, {old_ca.certificate()}), overlay.crypto()), "expired"));
  const kit::Authority last_ca("Last CA", KeyType::ecdsa_p256, &overlay.authority(), 0);
  const kit::Authority below_last("Below CA", KeyType::ecdsa_p256, &last_ca);
  CHECK(fault(*trust, last_ca.issue(spec, {last_ca.certificate()}), overlay.crypto()).empty());
  CHECK(has(fault(*trust, below_last.issue(spec, {below_last.certificate(), last_ca.certificate()}), overlay.crypto()),
            "longer than"));
  // A node's certificate signs no other.
  const auto node = overlay.issue([&] {
    auto own = spec;
    own.common_name = "Node";
    return own;
  }());
  kit::CertificateSpec forged = spec;
  const auto child = kit::Authority("Node").issue(forged, {node->certificate});
  CHECK_FALSE(fault(*trust, child, overlay.crypto()).empty());
}

TEST_CASE("a forged bucket of look-alike authorities costs a bounded number of signature checks") {
  const kit::Fixture overlay("demo.example");
  std::vector<CertificatePtr> fakes;
  for (int i = 0; i < 12; ++i) {
    const kit::Authority impostor("Root of nothing");
    fakes.push_back(kit::Authority("Middle", io::KeyType::ecdsa_p256, &impostor).certificate());
  }
  const auto credential = kit::Authority("Middle").issue(overlay.spec({node_number(1)}, kUser), fakes);
  CHECK(has(fault(*overlay.trust(), credential, overlay.crypto()), "too many signature checks"));
}

TEST_CASE("an accepted certificate is valid no longer than its chain") {
  const kit::Fixture overlay("demo.example");
  const TrustPtr trust = overlay.trust();
  const kit::Authority brief("Brief CA", io::KeyType::ecdsa_p256, &overlay.authority(), {}, kTestNow - 1h,
                             kTestNow + 1h);
  const auto credential = brief.issue(overlay.spec({node_number(1)}, kUser), {brief.certificate()});
  const auto accepted = trust->accept(credential->certificate, credential->intermediates, kTestNow, overlay.crypto());
  REQUIRE(accepted.has_value());
  CHECK((*accepted)->not_after == kTestNow + 1h);
  CHECK((*accepted)->not_before == kTestNow - 1h);
  CHECK(trust->check_current(**accepted, kTestNow + 1h).has_value());
  CHECK_FALSE(trust->check_current(**accepted, kTestNow + 2h).has_value());
  const auto plain = overlay.issue(node_number(2), kUser);
  CHECK(*trust->accept(plain->certificate, {}, kTestNow, overlay.crypto()) == plain->certificate);
}

TEST_CASE(
    "6940-11.1-24, 6940-11.3.1-3, 6940-11.3.1-5: self-signed certificates have the Node-IDs of their key's digest") {
  const kit::Fixture overlay("demo.example");
  for (const auto digest : {config::NodeIdDigest::sha1, config::NodeIdDigest::sha256}) {
    auto config = overlay.config();
    config.self_signed_digest = digest;
    const TrustPtr trust = overlay.trust_of(config);
    config.root_certs.clear();
    const TrustPtr rootless = overlay.trust_of(config);
    const auto other = digest == config::NodeIdDigest::sha1 ? config::NodeIdDigest::sha256 : config::NodeIdDigest::sha1;

    CHECK(fault(*trust, overlay.self_signed(kUser, digest), overlay.crypto()).empty());
    CHECK(fault(*rootless, overlay.self_signed(kUser, digest), overlay.crypto()).empty());
    // 6940-11.3.1-4: several Node-IDs are numbered from 1.
    CHECK(fault(*trust, overlay.self_signed(kUser, digest, 3), overlay.crypto()).empty());
    CHECK(has(fault(*trust, overlay.self_signed(kUser, other), overlay.crypto()), "not the digests"));
    CHECK(has(fault(*trust, overlay.self_signed(kUser, other, 2), overlay.crypto()), "not the digests"));
    CHECK(has(fault(*trust, kit::make_self_signed(overlay.spec({node_number(1)}, kUser)), overlay.crypto()),
              "not the digests"));
    // Where self-signed ones are not permitted, the best of them is nothing.
    CHECK(has(fault(*overlay.trust(), overlay.self_signed(kUser, digest), overlay.crypto()), "does not chain"));
    // The authority's own stay good beside them, but not where there is no root.
    CHECK(fault(*trust, overlay.issue(node_number(1), kUser), overlay.crypto()).empty());
    CHECK_FALSE(fault(*rootless, overlay.issue(node_number(1), kUser), overlay.crypto()).empty());
  }
}

TEST_CASE("a self-signed certificate's own signature is checked") {
  const kit::Fixture overlay("demo.example");
  auto config = overlay.config();
  config.self_signed_digest = config::NodeIdDigest::sha256;
  const auto good = overlay.self_signed(kUser, config::NodeIdDigest::sha256);
  Bytes der = to_bytes(good->certificate->der.view());
  // Another user name in it, everything else as it was.
  const auto at = std::search(der.begin(), der.end(), kUser.begin(), kUser.end());
  REQUIRE(at != der.end());
  *at = 'e';
  const auto forged = overlay.crypto().parse_certificate(der, 16);
  REQUIRE(forged.has_value());
  const auto checked = overlay.trust_of(config)->check(**forged, {}, kTestNow, overlay.crypto());
  REQUIRE_FALSE(checked.has_value());
  CHECK(has(checked.error().text, "own signature"));
}

TEST_CASE("trust can't be made from wrong roots or from nothing") {
  const kit::Fixture overlay("demo.example");
  const auto made = [&](std::vector<Bytes> roots) {
    auto config = overlay.config();
    config.root_certs = std::move(roots);
    const auto trust = Trust::make(std::make_shared<config::OverlayConfig>(config), overlay.crypto());
    return trust ? std::string() : trust.error().text;
  };
  CHECK(made({to_bytes(overlay.authority().der())}).empty());
  CHECK(has(made({}), "neither a root-cert nor self-signed-permitted"));
  CHECK(has(made({to_bytes(overlay.authority().der()), {1, 2}}), "root-cert 2 of overlay demo.example"));
  CHECK(has(made({to_bytes(overlay.issue(node_number(1), kUser)->certificate->der.view())}), "no CA certificate"));
}

TEST_CASE("the cache finds by either form of identity, keeps within its limit and forgets the oldest first") {
  const kit::Fixture overlay("demo.example");
  CertificateCache cache(2);
  const auto first = overlay.issue(node_number(1), kUser);
  const auto multiple = overlay.issue({node_number(2), node_number(3)}, kUser);
  const auto third = overlay.issue(node_number(4), kUser);
  cache.add(first->certificate);
  cache.add(first->certificate);
  CHECK(cache.size() == 1);
  cache.add(multiple->certificate);
  CHECK(cache.find(first->certificate->hash) == first->certificate);
  CHECK(cache.find(*cache_key(identity_of(*first, overlay.crypto()))) == first->certificate);
  CHECK(cache.find(*cache_key(identity_of(*multiple, overlay.crypto()))) == multiple->certificate);
  cache.add(third->certificate);
  CHECK(cache.size() == 2);
  CHECK(cache.find(first->certificate->hash) == nullptr);
  CHECK(cache.find(multiple->certificate->hash) == multiple->certificate);
  cache.add(first->certificate);
  CHECK(cache.find(*cache_key(identity_of(*multiple, overlay.crypto()))) == nullptr);
  cache.clear();
  CHECK(cache.size() == 0);
  CHECK(cache.find(third->certificate->hash) == nullptr);

  wire::SignerIdentity identity = identity_of(*first, overlay.crypto());
  identity.hash.pop_back();
  CHECK_FALSE(cache_key(identity).has_value());
  identity = identity_of(*first, overlay.crypto());
  identity.hash_algorithm = wire::HashAlgorithm::sha1;
  CHECK_FALSE(cache_key(identity).has_value());
}
