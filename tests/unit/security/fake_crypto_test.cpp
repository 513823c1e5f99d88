#include "sim/fake_crypto.hpp"

#include <doctest/doctest.h>

#include "reload/base/prng.hpp"
#include "reload/security/crypto_job.hpp"
#include "reload/security/message_auth.hpp"
#include "tests/kit/fixtures.hpp"

using namespace reload;
using namespace reload::security;
using kit::node_number;

namespace {

const std::string kUser = "alice@demo.example";

TrustPtr fake_trust(const Crypto& crypto) {
  auto config = std::make_shared<config::OverlayConfig>();
  config->instance_name = "demo.example";
  config->root_certs = {sim::fake_root_certificate()};
  return *Trust::make(config, crypto);
}

}  // namespace

TEST_CASE("fake credentials are judged like real ones") {
  const sim::FakeCrypto crypto;
  Prng rng(1);
  const TrustPtr trust = fake_trust(crypto);
  const auto good = sim::make_fake_credential(node_number(1), kUser, "demo.example", rng);
  CHECK(good->certificate->der.size() == 500);
  CHECK(trust->check(*good->certificate, {}, kit::kTestNow, crypto).has_value());
  CHECK_FALSE(trust->check(*good->certificate, {}, kit::kValidTo + 1s, crypto).has_value());
  const auto foreign = sim::make_fake_credential(node_number(1), kUser, "other.example", rng);
  CHECK_FALSE(trust->check(*foreign->certificate, {}, kit::kTestNow, crypto).has_value());
  // Every bit of a certificate is covered by its issuer.
  for (std::size_t at = 0; at < 500; at += 13) {
    Bytes der = to_bytes(good->certificate->der.view());
    der[at] ^= 1;
    const auto changed = crypto.parse_certificate(der, 16);
    if (changed) CHECK_FALSE(trust->check(**changed, {}, kit::kTestNow, crypto).has_value());
  }
  CHECK_FALSE(crypto.parse_certificate({}, 16).has_value());
  CHECK_FALSE(crypto.parse_certificate(Bytes(500), 16).has_value());
  CHECK_FALSE(crypto.parse_certificate(good->certificate->der.view(), 20).has_value());
}

TEST_CASE("fake signatures fail for the wrong key and the wrong input, and have a real one's size") {
  const sim::FakeCrypto crypto;
  Prng rng(2);
  const auto alice = sim::make_fake_credential({node_number(1), node_number(2)}, kUser, "demo.example", kit::kValidFrom,
                                               kit::kValidTo, rng);
  const auto bob = sim::make_fake_credential(node_number(3), "bob@demo.example", "demo.example", rng);
  const auto signature =
      *std::get<SignResult>(run(SignJob{alice, message_signature_input(1, 2, Bytes{3})}, crypto)).signature;
  CHECK(signature.value.size() == 72);
  CHECK(signature.identity.type == wire::SignerIdentityType::cert_hash_node_id);
  const auto fault = [&](ByteView contents, const wire::Signature& given) {
    const VerifyJob job{{alice->certificate, bob->certificate},
                        {},
                        fake_trust(crypto),
                        kit::kTestNow,
                        {message_check(1, 2, contents, given)}};
    return std::get<VerifyResult>(run(CryptoJob(job), crypto)).faults.front();
  };
  CHECK(fault(Bytes{3}, signature).empty());
  CHECK_FALSE(fault(Bytes{4}, signature).empty());
  CHECK_FALSE(fault(Bytes{3, 0}, signature).empty());
  auto claimed = signature;
  claimed.identity = identity_of(*bob, crypto);
  CHECK_FALSE(fault(Bytes{3}, claimed).empty());
  claimed = signature;
  claimed.value[70] ^= 1;
  CHECK_FALSE(fault(Bytes{3}, claimed).empty());
}
