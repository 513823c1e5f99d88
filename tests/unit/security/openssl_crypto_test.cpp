#include "reload/io/openssl_crypto.hpp"

#include <doctest/doctest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "reload/base/limits.hpp"
#include "reload/io/openssl_handles.hpp"
#include "reload/io/system_rng.hpp"
#include "tests/kit/fixtures.hpp"

using namespace reload;
using namespace reload::security;
using wire::HashAlgorithm;
using wire::SignatureAlgorithm;

namespace {

const io::OpensslCrypto crypto;

std::string pem_of(EVP_PKEY* key) {
  const io::BioHandle bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string parse_fault(const Bytes& der, std::size_t node_id_length = 16) {
  const auto parsed = crypto.parse_certificate(der, node_id_length);
  REQUIRE_FALSE(parsed.has_value());
  return parsed.error().text;
}

}  // namespace

TEST_CASE("digests of known answers, in parts and whole") {
  CHECK(to_hex(crypto.hash(HashAlgorithm::sha1, {as_bytes("abc")})) == "a9993e364706816aba3e25717850c26c9cd0d89d");
  CHECK(to_hex(crypto.hash(HashAlgorithm::sha256, {as_bytes("a"), {}, as_bytes("bc")})) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(crypto.hash(HashAlgorithm::sha384, {as_bytes("abc")}).size() == 48);
  CHECK(crypto.hash(HashAlgorithm::sha512, {as_bytes("abc")}).size() == 64);
  CHECK(crypto.hash(HashAlgorithm::md5, {as_bytes("abc")}).empty());
  CHECK(crypto.hash(HashAlgorithm::none, {as_bytes("abc")}).empty());
}

// Resource-IDs of the RFCs' own check values.
TEST_CASE("6940-10.2-1, 6940-10.2-2, 6940-10.2-3: a Resource-ID is the first 16 bytes of SHA-1 of the name") {
  CHECK(resource_of(crypto, as_bytes("user@example.org")).hex() == "547e41ffe2031bcdc35ffc6687f10d49");
  CHECK(resource_of(crypto, *from_hex("000102030405060708090a0b0c0d0e0f")).hex() == "56178b86a57fac22899a9964185c2cc9");
  CHECK(resource_of(crypto, as_bytes("alice@dht.example.com")).hex() == "0c51a942f50c828aef82a5af83e8ed59");
  CHECK(resource_of(crypto, as_bytes("bob@dht.example.com")).hex() == "6c1cfd6d5d9e35557d66a1b05f9e2247");
}

TEST_CASE("6940-6.3.4-13: RSASSA-PKCS1-v1_5 and ECDSA with SHA-256 sign and verify, and only the right input and key") {
  const kit::Fixture overlay("demo.example");
  for (const auto& [type, algorithm] : {std::pair(io::KeyType::rsa_2048, SignatureAlgorithm::rsa),
                                        std::pair(io::KeyType::ecdsa_p256, SignatureAlgorithm::ecdsa)}) {
    auto spec = overlay.spec({kit::node_number(1)}, "alice@demo.example");
    spec.key_type = type;
    const CredentialPtr own = overlay.issue(spec);
    const CredentialPtr other = overlay.issue(spec);
    CHECK(own->certificate->key_algorithm == algorithm);
    const Bytes input = to_bytes(as_bytes("what is signed"));
    Bytes signature = *crypto.sign(*own->key, input);
    const PublicKey& key = *own->certificate->key;
    CHECK(crypto.verify(key, HashAlgorithm::sha256, algorithm, input, signature));
    CHECK_FALSE(crypto.verify(*other->certificate->key, HashAlgorithm::sha256, algorithm, input, signature));
    CHECK_FALSE(crypto.verify(key, HashAlgorithm::sha256, algorithm, as_bytes("what is not"), signature));
    CHECK_FALSE(crypto.verify(key, HashAlgorithm::sha256, algorithm, {}, signature));
    CHECK_FALSE(crypto.verify(key, HashAlgorithm::sha256, algorithm, input, {}));
    // The algorithms named must be those used, and none of the weak ones.
    const auto wrong = algorithm == SignatureAlgorithm::rsa ? SignatureAlgorithm::ecdsa : SignatureAlgorithm::rsa;
    CHECK_FALSE(crypto.verify(key, HashAlgorithm::sha256, wrong, input, signature));
    CHECK_FALSE(crypto.verify(key, HashAlgorithm::sha256, SignatureAlgorithm::anonymous, input, signature));
    for (const auto hash : {HashAlgorithm::none, HashAlgorithm::md5, HashAlgorithm::sha1, HashAlgorithm::sha512})
      CHECK_FALSE(crypto.verify(key, hash, algorithm, input, signature));
    signature.back() ^= 1;
    CHECK_FALSE(crypto.verify(key, HashAlgorithm::sha256, algorithm, input, signature));
  }
}

// 6940-11.3-14, 6940-4.1-2: what stands in a node's certificate.
TEST_CASE("a certificate's names, validity and key are read") {
  const kit::Fixture overlay("demo.example");
  const auto parsed =
      crypto.parse_certificate(overlay.issue(kit::node_number(7), "alice@demo.example")->certificate->der.view(), 16);
  REQUIRE(parsed.has_value());
  const Certificate& certificate = **parsed;
  CHECK(certificate.node_ids == std::vector{kit::node_number(7)});
  CHECK(certificate.user_name == "alice@demo.example");
  CHECK(certificate.overlay == "demo.example");
  CHECK(certificate.not_before == kit::kValidFrom);
  CHECK(certificate.not_after == kit::kValidTo);
  CHECK_FALSE(certificate.is_ca);
  CHECK(certificate.subject == Bytes{0x30, 0x00});
  CHECK(certificate.issuer == overlay.authority().certificate()->subject);
  CHECK(equal(certificate.hash, crypto.hash(HashAlgorithm::sha256, {certificate.der.view()})));
  CHECK(certificate.identity_hashes.empty());
  CHECK(to_hex(ByteView(certificate.public_key_info).first(2)) == "3059");

  const auto two = overlay.issue({kit::node_number(1), kit::node_number(2)}, "bob@demo.example")->certificate;
  REQUIRE(two->identity_hashes.size() == 2);
  CHECK(equal(two->identity_hashes[1],
              crypto.hash(HashAlgorithm::sha256, {kit::node_number(2).view(), two->der.view()})));
  const auto& root = *overlay.authority().certificate();
  CHECK(root.is_ca);
  CHECK(root.node_ids.empty());
  CHECK(root.is_self_issued());
}

TEST_CASE("a certificate with a subject, other names and a CA's path limit is read as well") {
  const kit::Fixture overlay("demo.example");
  auto spec = overlay.spec({kit::node_number(7)}, "alice@demo.example");
  spec.common_name = "Alice";
  spec.extra_names = "DNS:host.example,URI:coap://host.example/";
  const auto certificate = overlay.issue(spec)->certificate;
  CHECK(certificate->node_ids.size() == 1);
  CHECK(certificate->subject.size() > 2);
  CHECK(kit::Authority("CA", io::KeyType::ecdsa_p256, nullptr, 1).certificate()->path_limit == 1u);
}

TEST_CASE("bytes that are no certificate, or a malformed one, are refused with the reason") {
  const kit::Fixture overlay("demo.example");
  const Bytes good = to_bytes(overlay.issue(kit::node_number(7), "alice@demo.example")->certificate->der.view());
  CHECK(parse_fault({}).find("X.509") != std::string::npos);
  CHECK(parse_fault({1, 2, 3}).find("X.509") != std::string::npos);
  CHECK(parse_fault(Bytes(limits::kMaxCertificateBytes + 1, 0x30)).find("longer") != std::string::npos);
  Bytes longer = good;
  longer.push_back(0);
  CHECK(parse_fault(longer).find("stray") != std::string::npos);
  CHECK(parse_fault(good, 20).find("20 bytes") != std::string::npos);
  for (std::size_t size = 0; size < good.size(); ++size)
    CHECK_FALSE(crypto.parse_certificate(ByteView(good).first(size), 16).has_value());
}

TEST_CASE("a certificate's names must be unambiguous") {
  const kit::Fixture overlay("demo.example");
  // Made without the kit's own parsing, which would stop at them.
  const auto der_of = [&](auto change) {
    auto spec = overlay.spec({kit::node_number(7)}, "alice@demo.example");
    change(spec);
    return kit::make_certificate_der(spec);
  };
  CHECK(parse_fault(der_of([](auto& spec) {
          spec.users.push_back("bob@demo.example");
        })).find("more than one rfc822Name") != std::string::npos);
  CHECK(parse_fault(der_of([](auto& spec) {
          spec.extra_names = "URI:" + make_reload_uri(kit::node_number(8), "other.example");
        })).find("two overlays") != std::string::npos);
  CHECK(parse_fault(der_of([](auto& spec) { spec.node_ids.push_back(spec.node_ids[0]); })).find("twice") !=
        std::string::npos);
  CHECK(parse_fault(der_of([](auto& spec) {
          spec.extra_names = "URI:reload://1234@demo.example/";
        })).find("no Node-ID") != std::string::npos);
  CHECK(parse_fault(der_of([](auto& spec) { spec.unknown_critical_extension = true; })).find("critical") !=
        std::string::npos);
}

TEST_CASE("is_issued_by believes the issuer's key alone") {
  const kit::Fixture overlay("demo.example");
  const kit::Fixture rsa("rsa.example", io::KeyType::rsa_2048);
  for (const kit::Fixture* fixture : {&overlay, &rsa}) {
    const auto own = fixture->issue(kit::node_number(1), "a@b.example")->certificate;
    CHECK(crypto.is_issued_by(*own, *fixture->authority().certificate()));
    CHECK(crypto.is_issued_by(*fixture->authority().certificate(), *fixture->authority().certificate()));
    CHECK_FALSE(crypto.is_issued_by(*own, *own));
    const auto foreign = fixture->from_other_authority(kit::node_number(1), "a@b.example")->certificate;
    CHECK_FALSE(crypto.is_issued_by(*foreign, *fixture->authority().certificate()));
    // Any bit of it changed: not issued any more.
    for (std::size_t at = 0; at < own->der.size(); at += 7) {
      Certificate changed = *own;
      Bytes der = to_bytes(own->der.view());
      der[at] ^= 0x10;
      changed.der = SharedBytes(der);
      CHECK_FALSE(crypto.is_issued_by(changed, *fixture->authority().certificate()));
    }
  }
}

TEST_CASE("keys, certificates and credentials go through PEM") {
  const kit::Fixture overlay("demo.example");
  const auto own = overlay.issue(kit::node_number(1), "alice@demo.example");
  const auto other = overlay.issue(kit::node_number(2), "bob@demo.example");
  const std::string key = *io::save_private_key(*own->key);
  const std::string certificates =
      "Alice:\n" + io::save_certificate(own->certificate->der.view()) + io::save_certificate(overlay.authority().der());
  CHECK(key.starts_with("-----BEGIN PRIVATE KEY-----"));
  CHECK(io::load_certificates(certificates)->size() == 2);
  const auto loaded = io::load_credential(certificates, key, 16, crypto);
  REQUIRE_MESSAGE(loaded.has_value(), (loaded ? "" : loaded.error().text));
  CHECK((*loaded)->node_id == kit::node_number(1));
  CHECK((*loaded)->intermediates.size() == 1);
  CHECK(io::is_key_of(*(*loaded)->key, *own->certificate));
  CHECK_FALSE(io::is_key_of(*(*loaded)->key, *other->certificate));

  const auto fault = [&](const std::string& pem, const std::string& private_key, const NodeId& id = {}) {
    const auto result = io::load_credential(pem, private_key, 16, crypto, id);
    return result ? std::string("none") : result.error().text;
  };
  CHECK(fault("", key).find("no PEM certificate") != std::string::npos);
  CHECK(fault(certificates, "").find("no PEM private key") != std::string::npos);
  CHECK(fault(certificates, *io::save_private_key(*other->key)).find("does not fit") != std::string::npos);
  CHECK(fault(certificates, key, kit::node_number(9)).find("does not hold") != std::string::npos);
  CHECK(fault(io::save_certificate(Bytes{1, 2}), key).find("X.509") != std::string::npos);
}

TEST_CASE("keys that are too weak or of another kind are refused") {
  const io::KeyHandle short_rsa(EVP_RSA_gen(1024));
  const io::KeyHandle other_curve(EVP_EC_gen("secp256k1"));
  const io::KeyHandle edwards(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  for (EVP_PKEY* key : {short_rsa.get(), other_curve.get(), edwards.get()}) {
    const auto loaded = io::load_private_key(pem_of(key));
    REQUIRE_FALSE(loaded.has_value());
    CHECK(loaded.error().text.find("neither ECDSA") != std::string::npos);
  }
}

// 6940-6.3.2-18 is proved where transaction ids are made.
TEST_CASE("the system's generator does not repeat itself") {
  io::SystemRng rng;
  CHECK(rng.next() != rng.next());
  Bytes bytes(32);
  rng.fill(bytes);
  CHECK(bytes != Bytes(32));
}
