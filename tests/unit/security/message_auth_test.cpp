#include "reload/security/message_auth.hpp"

#include <doctest/doctest.h>

#include "tests/kit/fixtures.hpp"

using namespace reload;
using namespace reload::security;
using kit::node_number;
using wire::HashAlgorithm;
using wire::SignerIdentityType;

TEST_CASE("6940-6.3.4-14, 6940-6.3.4-16: cert_hash for one Node-ID, cert_hash_node_id for several") {
  const kit::Fixture overlay("demo.example");
  const auto& crypto = overlay.crypto();
  const auto one = overlay.issue(node_number(1), "a@demo.example");
  const auto identity = identity_of(*one, crypto);
  CHECK(identity.type == SignerIdentityType::cert_hash);
  CHECK(identity.hash_algorithm == HashAlgorithm::sha256);
  // 6940-6.3.4-15: over the DER.
  CHECK(identity.hash == crypto.hash(HashAlgorithm::sha256, {one->certificate->der.view()}));

  Credential two = *overlay.issue({node_number(2), node_number(3)}, "b@demo.example");
  two.node_id = node_number(3);
  const auto second = identity_of(two, crypto);
  CHECK(second.type == SignerIdentityType::cert_hash_node_id);
  // 6940-6.3.4-17: over the raw Node-ID and the DER.
  CHECK(second.hash == crypto.hash(HashAlgorithm::sha256, {node_number(3).view(), two.certificate->der.view()}));
}

TEST_CASE("a signer is found by its identity and by nothing less") {
  const kit::Fixture overlay("demo.example");
  const auto& crypto = overlay.crypto();
  const auto one = overlay.issue(node_number(1), "a@demo.example")->certificate;
  const auto two = overlay.issue({node_number(2), node_number(3)}, "b@demo.example")->certificate;
  const std::vector<CertificatePtr> all{one, two};
  const auto find = [&](SignerIdentityType type, HashAlgorithm algorithm, Bytes hash) {
    return find_signer({type, algorithm, std::move(hash)}, all, crypto);
  };
  for (const auto algorithm : {HashAlgorithm::sha1, HashAlgorithm::sha256, HashAlgorithm::sha512}) {
    CAPTURE(static_cast<int>(algorithm));
    const Signer first = find(SignerIdentityType::cert_hash, algorithm, crypto.hash(algorithm, {one->der.view()}));
    CHECK(first.certificate == one);
    CHECK(first.node_id == node_number(1));
    const Signer second = find(SignerIdentityType::cert_hash_node_id, algorithm,
                               crypto.hash(algorithm, {node_number(3).view(), two->der.view()}));
    CHECK(second.certificate == two);
    CHECK(second.node_id == node_number(3));
    // cert_hash can't say which of several Node-IDs it was.
    CHECK_FALSE(find(SignerIdentityType::cert_hash, algorithm, crypto.hash(algorithm, {two->der.view()})).known());
    // A Node-ID that the certificate doesn't hold.
    CHECK_FALSE(find(SignerIdentityType::cert_hash_node_id, algorithm,
                     crypto.hash(algorithm, {node_number(4).view(), two->der.view()}))
                    .known());
  }
  // The longer form is right for one Node-ID too.
  CHECK(find(SignerIdentityType::cert_hash_node_id, HashAlgorithm::sha256,
             crypto.hash(HashAlgorithm::sha256, {node_number(1).view(), one->der.view()}))
            .node_id == node_number(1));
  CHECK_FALSE(find(SignerIdentityType::none, HashAlgorithm::none, {}).known());
  CHECK_FALSE(find(SignerIdentityType::none, HashAlgorithm::sha256, to_bytes(one->hash)).known());
  CHECK_FALSE(find(SignerIdentityType::cert_hash, HashAlgorithm::sha256, {}).known());
  CHECK_FALSE(find(SignerIdentityType::cert_hash, HashAlgorithm::md5, {}).known());
  CHECK_FALSE(find(SignerIdentityType::cert_hash, HashAlgorithm::md5, to_bytes(one->hash)).known());
  CHECK_FALSE(
      find_signer({SignerIdentityType::cert_hash, HashAlgorithm::sha256, to_bytes(one->hash)}, {}, crypto).known());
}
