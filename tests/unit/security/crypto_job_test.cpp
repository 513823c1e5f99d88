#include "reload/security/crypto_job.hpp"

#include <doctest/doctest.h>

#include "reload/base/prng.hpp"
#include "reload/security/data_signature.hpp"
#include "reload/security/message_auth.hpp"
#include "reload/wire/codec.hpp"
#include "sim/fake_crypto.hpp"
#include "tests/kit/fixtures.hpp"

using namespace reload;
using namespace reload::security;
using kit::kTestNow;
using kit::node_number;

namespace {

const std::string kUser = "alice@demo.example";
const Bytes kContents{0, 0x17, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0};

struct Bed {
  kit::Fixture overlay{"demo.example"};
  TrustPtr trust = overlay.trust();

  [[nodiscard]] wire::Signature sign(const CredentialPtr& credential, Bytes input) const {
    auto result = std::get<SignResult>(run(SignJob{credential, std::move(input)}, overlay.crypto()));
    REQUIRE(result.signature.has_value());
    return *result.signature;
  }
  [[nodiscard]] wire::Signature sign_message(const CredentialPtr& credential) const {
    return sign(credential, message_signature_input(7, 8, kContents));
  }
  [[nodiscard]] VerifyResult verify(std::vector<SignatureCheck> checks, std::vector<CertificatePtr> known,
                                    std::vector<Bytes> fresh, Wall now = kTestNow) const {
    return std::get<VerifyResult>(
        run(VerifyJob{std::move(known), std::move(fresh), trust, now, std::move(checks)}, overlay.crypto()));
  }
  // A message's one signature, checked with the certificate beside it: the fault, or nothing.
  [[nodiscard]] std::string fault(const CredentialPtr& credential) const {
    const auto result = verify({message_check(7, 8, kContents, sign_message(credential))}, {}, {der(credential)});
    CHECK(result.signers.front().known() == result.faults.front().empty());
    CHECK(result.accepted.size() + result.refused.size() == 1);
    return result.faults.front();
  }
  [[nodiscard]] static Bytes der(const CredentialPtr& credential) {
    return to_bytes(credential->certificate->der.view());
  }
};

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("6940-6.3-3, 6940-13.2-2: what was signed verifies, with ECDSA and RSA, one Node-ID and several") {
  const Bed bed;
  auto rsa = bed.overlay.spec({node_number(3)}, kUser);
  rsa.key_type = io::KeyType::rsa_2048;
  for (const auto& credential : {bed.overlay.issue(node_number(1), kUser), bed.overlay.issue(rsa),
                                 bed.overlay.issue({node_number(5), node_number(6)}, kUser)}) {
    const auto signature = bed.sign_message(credential);
    CHECK(signature.hash == wire::HashAlgorithm::sha256);
    CHECK(signature.algorithm == credential->certificate->key_algorithm);
    const auto fresh = bed.verify({message_check(7, 8, kContents, signature)}, {}, {Bed::der(credential)});
    CHECK(fresh.faults.front().empty());
    CHECK(fresh.signers.front().node_id == credential->node_id);
    REQUIRE(fresh.accepted.size() == 1);
    const auto known = bed.verify({message_check(7, 8, kContents, signature)}, fresh.accepted, {});
    CHECK(known.faults.front().empty());
    CHECK(known.accepted.empty());
    CHECK(known.signers.front().certificate == fresh.accepted.front());
  }
}

TEST_CASE("6940-6.1.1-3, 6940-6.3.4-21, 6940-6.3.4-23: any change of what is signed is a fault") {
  const Bed bed;
  const auto credential = bed.overlay.issue(node_number(1), kUser);
  const auto signature = bed.sign_message(credential);
  const auto fault = [&](const SignatureCheck& check) {
    const auto result = bed.verify({check}, {credential->certificate}, {});
    CHECK_FALSE(result.signers.front().known());
    return result.faults.front();
  };
  CHECK(has(fault(message_check(6, 8, kContents, signature)), "does not verify"));
  CHECK(has(fault(message_check(7, 9, kContents, signature)), "does not verify"));
  Bytes contents = kContents;
  contents.back() ^= 1;
  CHECK(has(fault(message_check(7, 8, contents, signature)), "does not verify"));
  auto changed = signature;
  changed.value.front() ^= 1;
  CHECK(has(fault(message_check(7, 8, kContents, changed)), "does not verify"));
  changed = signature;
  changed.value.clear();
  CHECK(has(fault(message_check(7, 8, kContents, changed)), "does not verify"));
  changed = signature;
  changed.hash = wire::HashAlgorithm::sha1;
  CHECK(has(fault(message_check(7, 8, kContents, changed)), "does not verify"));
  changed = signature;
  changed.algorithm = wire::SignatureAlgorithm::rsa;
  CHECK(has(fault(message_check(7, 8, kContents, changed)), "does not verify"));
  // The signer's identity is covered too: the other way to name the same certificate is another input.
  changed = signature;
  changed.identity.type = wire::SignerIdentityType::cert_hash_node_id;
  changed.identity.hash = bed.overlay.crypto().hash(wire::HashAlgorithm::sha256,
                                                    {node_number(1).view(), credential->certificate->der.view()});
  CHECK(has(fault(message_check(7, 8, kContents, changed)), "does not verify"));
}

TEST_CASE("a message that is not signed, or by someone unknown, is a fault of its own") {
  const Bed bed;
  const auto credential = bed.overlay.issue(node_number(1), kUser);
  const auto fault = [&](const wire::Signature& signature) {
    return bed.verify({message_check(7, 8, kContents, signature)}, {credential->certificate}, {}).faults.front();
  };
  CHECK(has(fault({}), "not signed"));
  auto anonymous = bed.sign_message(credential);
  anonymous.algorithm = wire::SignatureAlgorithm::anonymous;
  CHECK(has(fault(anonymous), "not signed"));
  CHECK(has(fault(bed.sign_message(bed.overlay.issue(node_number(2), kUser))), "not at hand"));
}

TEST_CASE("6940-7.4.2.2-6: a signer whose certificate is refused signs nothing, however right the signature") {
  const Bed bed;
  CHECK(bed.fault(bed.overlay.issue(node_number(1), kUser)).empty());
  CHECK(has(bed.fault(bed.overlay.expired(node_number(1), kUser)), "expired"));
  CHECK(has(bed.fault(bed.overlay.not_yet_valid(node_number(1), kUser)), "not valid yet"));
  CHECK(has(bed.fault(bed.overlay.from_other_authority(node_number(1), kUser)), "does not chain"));
  CHECK(has(bed.fault(kit::Fixture("other.example").issue(node_number(1), kUser)), "of overlay other.example"));
  CHECK(has(bed.fault(bed.overlay.self_signed(kUser, config::NodeIdDigest::sha1)), "does not chain"));
  // One accepted before but expired since.
  const auto credential = bed.overlay.issue(node_number(1), kUser);
  const auto later = bed.verify({message_check(7, 8, kContents, bed.sign_message(credential))},
                                {credential->certificate}, {}, kit::kValidTo + 1s);
  CHECK(has(later.faults.front(), "expired"));
}

TEST_CASE(
    "6940-6.3.4-7, 6940-7.4.2.2-5: the values in a message are checked one by one, in both readings of the "
    "Resource-ID") {
  const Bed bed;
  const auto alice = bed.overlay.issue(node_number(1), kUser);
  const auto bob = bed.overlay.issue(node_number(2), "bob@demo.example");
  const ResourceId resource = resource_of(bed.overlay.crypto(), as_bytes(kUser));
  const KindId kind{1};
  const auto value = [&](const CredentialPtr& credential, bool length_byte) {
    wire::StoredData data;
    data.storage_time = 1000;
    data.lifetime = 60;
    data.value = wire::ArrayEntry{5, {true, {1, 2, 3}}};
    data.signature =
        bed.sign(credential, data_signature_input(resource, kind, data.storage_time, data.value, length_byte));
    return data;
  };
  wire::StoredData good = value(alice, true);
  std::get<wire::ArrayEntry>(good.value).index = 77;  // 6940-7.4.2.2: the index is not covered
  good.lifetime = 1;                                  // 6940-7.1-2: nor the lifetime
  wire::StoredData bad = value(bob, true);
  wire::data_value(bad.value).value.push_back(4);
  wire::StoredData earlier = value(alice, true);
  earlier.storage_time = 999;
  const auto result = bed.verify({value_check(resource, kind, good), value_check(resource, kind, bad),
                                  value_check(resource, kind, value(bob, false)), value_check(resource, kind, earlier),
                                  value_check(resource, KindId{2}, good),
                                  value_check(resource_of(bed.overlay.crypto(), as_bytes("x")), kind, good)},
                                 {}, {Bed::der(alice), Bed::der(bob)});
  REQUIRE(result.faults.size() == 6);
  CHECK(result.faults[0].empty());
  CHECK(has(result.faults[1], "does not verify"));
  CHECK(result.faults[2].empty());
  CHECK(result.signers[2].node_id == node_number(2));
  for (const std::size_t i : {3u, 4u, 5u}) CHECK(has(result.faults[i], "does not verify"));
  CHECK(result.accepted.size() == 2);
}

TEST_CASE(
    "6940-6.3.4-3, 6940-6.3.4-5: intermediate authorities in the bucket complete the chain; strangers in it cost "
    "nothing") {
  const Bed bed;
  const kit::Authority middle("Middle", io::KeyType::ecdsa_p256, &bed.overlay.authority());
  const auto credential = middle.issue(bed.overlay.spec({node_number(1)}, kUser), {middle.certificate()});
  const auto check = message_check(7, 8, kContents, bed.sign_message(credential));
  CHECK(has(bed.verify({check}, {}, {Bed::der(credential)}).faults.front(), "does not chain"));
  const auto stranger = bed.overlay.issue(node_number(9), "bob@demo.example");
  const auto result =
      bed.verify({check, check}, {}, {Bed::der(stranger), to_bytes(middle.der()), {1, 2, 3}, Bed::der(credential)});
  CHECK(result.faults == std::vector<std::string>{"", ""});
  REQUIRE(result.accepted.size() == 1);
  CHECK(result.accepted.front()->node_ids.front() == node_number(1));
  CHECK(result.refused.size() == 1);  // the three bytes
}

TEST_CASE("a key of another backend signs nothing and does not stop the process") {
  const Bed bed;
  Prng rng(1);
  const auto fake = sim::make_fake_credential(node_number(1), kUser, "demo.example", rng);
  CHECK_FALSE(std::get<SignResult>(run(SignJob{fake, {1}}, bed.overlay.crypto())).signature.has_value());
}
