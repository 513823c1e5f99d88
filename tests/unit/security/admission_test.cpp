#include "reload/security/admission.hpp"

#include <doctest/doctest.h>

#include "tests/kit/fixtures.hpp"

using namespace reload;
using namespace reload::security;
using kit::kTestNow;
using kit::node_number;

namespace {

const std::string kUser = "alice@demo.example";

std::vector<Bytes> chain_of(const Credential& credential) {
  std::vector<Bytes> chain{to_bytes(credential.certificate->der.view())};
  for (const auto& above : credential.intermediates) chain.push_back(to_bytes(above->der.view()));
  return chain;
}

}  // namespace

TEST_CASE("6940-6.1.2-15: a link to a certificate with one Node-ID stands for it without an Attach") {
  const kit::Fixture overlay("demo.example");
  CertificateCache cache(10);
  const auto peer =
      admit_link(chain_of(*overlay.issue(node_number(1), kUser)), *overlay.trust(), kTestNow, overlay.crypto(), cache);
  REQUIRE(peer.has_value());
  CHECK(peer->node_id == node_number(1));
  CHECK(cache.find(peer->certificate->hash) == peer->certificate);
  const auto several = admit_link(chain_of(*overlay.issue({node_number(2), node_number(3)}, kUser)), *overlay.trust(),
                                  kTestNow, overlay.crypto(), cache);
  REQUIRE(several.has_value());
  CHECK_FALSE(several->node_id.has_value());
}

// 6940-13.6.2-2: both sides validate the other's certificate.
TEST_CASE("a link is refused to a peer without a good certificate") {
  const kit::Fixture overlay("demo.example");
  const kit::Fixture other("other.example");
  CertificateCache cache(10);
  const auto admitted = [&](const std::vector<Bytes>& chain) {
    return admit_link(chain, *overlay.trust(), kTestNow, overlay.crypto(), cache).has_value();
  };
  CHECK_FALSE(admitted({}));
  CHECK_FALSE(admitted({{}}));
  CHECK_FALSE(admitted({{0x30, 0x03, 1, 2, 3}}));
  CHECK_FALSE(admitted(chain_of(*other.issue(node_number(1), kUser))));
  CHECK_FALSE(admitted(chain_of(*overlay.expired(node_number(1), kUser))));
  CHECK_FALSE(admitted(chain_of(*overlay.from_other_authority(node_number(1), kUser))));
  CHECK_FALSE(admitted({to_bytes(overlay.authority().der())}));
  CHECK(cache.size() == 0);
  const kit::Authority middle("Middle", io::KeyType::ecdsa_p256, &overlay.authority());
  CHECK(admitted(chain_of(*middle.issue(overlay.spec({node_number(1)}, kUser), {middle.certificate()}))));
  CHECK_FALSE(admitted(chain_of(*middle.issue(overlay.spec({node_number(1)}, kUser)))));
}

TEST_CASE("a certificate in the cache is still held against time and the bad-node list") {
  const kit::Fixture overlay("demo.example");
  CertificateCache cache(10);
  auto spec = overlay.spec({node_number(1)}, kUser);
  spec.to = kTestNow + 1h;
  const auto chain = chain_of(*overlay.issue(spec));
  CHECK(admit_link(chain, *overlay.trust(), kTestNow, overlay.crypto(), cache).has_value());
  CHECK(admit_link(chain, *overlay.trust(), kTestNow, overlay.crypto(), cache).has_value());
  CHECK_FALSE(admit_link(chain, *overlay.trust(), kTestNow + 2h, overlay.crypto(), cache).has_value());
  auto config = overlay.config();
  config.bad_nodes = {node_number(1)};
  CHECK_FALSE(admit_link(chain, *overlay.trust_of(config), kTestNow, overlay.crypto(), cache).has_value());
}

TEST_CASE(
    "6940-6.5.1.11-2, 6940-6.5.1.13-4: an Attach binds the link only to a Node-ID of the handshake's certificate") {
  const kit::Fixture overlay("demo.example");
  const auto both = overlay.issue({node_number(1), node_number(2)}, kUser)->certificate;
  const LinkPeer link{both, std::nullopt};
  CHECK(*bind_link(link, {both, node_number(2)}) == node_number(2));
  CHECK_FALSE(bind_link(link, Signer{}).has_value());
  CHECK_FALSE(bind_link(link, {both, node_number(3)}).has_value());
  const auto stranger = overlay.issue(node_number(3), "bob@demo.example")->certificate;
  CHECK_FALSE(bind_link(link, {stranger, node_number(3)}).has_value());
  CHECK_FALSE(bind_link(link, {stranger, node_number(1)}).has_value());
  // The owner's renewed certificate will do where an authority vouches for the Node-ID.
  const auto renewed = overlay.issue(node_number(1), kUser)->certificate;
  CHECK(*bind_link(link, {renewed, node_number(1)}) == node_number(1));
  // A self-signed one vouches for its own key alone.
  const auto mine = kit::make_self_signed(overlay.spec({node_number(1)}, kUser))->certificate;
  const auto copied = kit::make_self_signed(overlay.spec({node_number(1)}, kUser))->certificate;
  CHECK(bind_link({mine, node_number(1)}, {mine, node_number(1)}).has_value());
  CHECK_FALSE(bind_link({mine, node_number(1)}, {copied, node_number(1)}).has_value());
}
