#include "certs/authority.hpp"

#include <doctest/doctest.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>

using namespace reload;
using namespace reload::certs;

namespace {
const std::string kOverlay = "demo.example";
const Wall kNow = from_unix_seconds(1'800'000'000);

Authority make_authority(io::KeyType type = io::KeyType::ecdsa_p256) {
  return std::move(Authority::create(kOverlay, 16, type, validity_for(kNow, 3650)).value());
}
Request request_for(std::string user) {
  Request request;
  request.user_name = std::move(user);
  request.validity = validity_for(kNow, 365);
  return request;
}
CertificateHandle parsed(const std::string& pem) { return std::move(certs::parse_certificate(pem).value()); }

struct AltName {
  int type;
  std::string text;
  friend bool operator==(const AltName&, const AltName&) = default;
};
std::vector<AltName> alt_names(X509& certificate, int& critical) {
  std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(&certificate, NID_subject_alt_name, &critical, nullptr)),
      GENERAL_NAMES_free);
  std::vector<AltName> out;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    int type = 0;
    const void* value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), i), &type);
    const auto* text = static_cast<const ASN1_STRING*>(value);
    out.push_back({type,
                   {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                    static_cast<std::size_t>(ASN1_STRING_length(text))}});
  }
  return out;
}
bool chains_to(X509& leaf, X509& root) {
  const std::unique_ptr<X509_STORE, decltype(&X509_STORE_free)> store(X509_STORE_new(), X509_STORE_free);
  const std::unique_ptr<X509_STORE_CTX, decltype(&X509_STORE_CTX_free)> check(X509_STORE_CTX_new(),
                                                                              X509_STORE_CTX_free);
  REQUIRE(X509_STORE_add_cert(store.get(), &root) == 1);
  REQUIRE(X509_STORE_CTX_init(check.get(), store.get(), &leaf, nullptr) == 1);
  X509_STORE_CTX_set_time(check.get(), 0, to_unix_seconds(kNow));
  X509_STORE_CTX_set_flags(check.get(), X509_V_FLAG_X509_STRICT | X509_V_FLAG_CHECK_SS_SIGNATURE);
  return X509_verify_cert(check.get()) == 1;
}
}  // namespace

TEST_CASE(
    "6940-11.3-14, 6940-11.3-18, 6940-11.3-19, 6940-11.3-21, 6940-11.3-25: subjectAltName holds URI and user only") {
  const Issued issued = make_authority().issue(request_for("alice@demo.example")).value();
  const auto certificate = parsed(issued.certificate);
  int critical = -1;
  const auto names = alt_names(*certificate, critical);
  REQUIRE(issued.identity.node_ids.size() == 1);
  // A Destination List of one entry: type node (01), length 16 (10), Node-ID.
  const std::string uri = "reload://0110" + issued.identity.node_ids[0].hex() + "@demo.example/";
  CHECK(names == std::vector<AltName>{{GEN_URI, uri}, {GEN_EMAIL, "alice@demo.example"}});
  CHECK(critical == 1);  // T31
}

TEST_CASE("6940-11.3-26: the subject is empty") {
  const Issued issued = make_authority().issue(request_for("alice@demo.example")).value();
  CHECK(X509_NAME_entry_count(X509_get_subject_name(parsed(issued.certificate).get())) == 0);
}

TEST_CASE(
    "6940-11.3-15, 6940-11.3-16, 6940-13.3-2, 6940-13.6.2-1: every certificate gets Node-IDs of its own, at random") {
  const Authority authority = make_authority();
  std::set<NodeId> ids;
  std::array<int, 256> first_byte{};
  constexpr std::size_t kCount = 256;
  for (std::size_t i = 0; i < kCount; ++i) {
    const NodeId id = authority.issue(request_for("alice@demo.example")).value().identity.node_ids.at(0);
    ids.insert(id);
    ++first_byte.at(id.view()[0]);
  }
  CHECK(ids.size() == kCount);
  // 256 draws into 256 places leave about 94 empty; a counter would leave 0 or 255, a constant 255.
  const auto empty = std::count(first_byte.begin(), first_byte.end(), 0);
  CHECK(empty > 50);
  CHECK(empty < 140);
}

TEST_CASE("6940-11.3-15: a certificate can hold several Node-IDs, one URI each") {
  Request request = request_for("alice@demo.example");
  request.node_id_count = 3;
  const Issued issued = make_authority().issue(request).value();
  int critical = -1;
  const auto names = alt_names(*parsed(issued.certificate), critical);
  REQUIRE(names.size() == 4);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(names[i] == AltName{GEN_URI, "reload://0110" + issued.identity.node_ids.at(i).hex() + "@demo.example/"});
  }
}

TEST_CASE("6940-11.3-20: a renewal keeps the Node-IDs and changes key and serial number") {
  const Authority authority = make_authority();
  const Issued first = authority.issue(request_for("alice@demo.example")).value();
  Request renewal = request_for("alice@demo.example");
  renewal.node_ids = first.identity.node_ids;
  const Issued second = authority.issue(renewal).value();
  CHECK(second.identity.node_ids == first.identity.node_ids);
  CHECK(second.serial != first.serial);
  CHECK(second.key.view() != first.key.view());
}

TEST_CASE("6940-13.3-3, 6940-13.3-4: certificates chain to the overlay's authority and end") {
  for (const io::KeyType type : {io::KeyType::ecdsa_p256, io::KeyType::rsa_2048}) {
    const Authority authority = make_authority(type);
    Request request = request_for("alice@demo.example");
    request.key_type = type;
    const Issued issued = authority.issue(request).value();
    const auto root = parsed(authority.certificate());
    const auto leaf = parsed(issued.certificate);
    CHECK(chains_to(*leaf, *root));
    CHECK(X509_check_ca(root.get()) == 1);
    CHECK(X509_check_ca(leaf.get()) == 0);
    CHECK(not_after(*leaf) == kNow + std::chrono::hours(24 * 365));
    CHECK_FALSE(chains_to(*leaf, *parsed(make_authority(type).certificate())));
  }
}

TEST_CASE("serial numbers have 128 random bits and the key signs, nothing more") {
  const Issued issued = make_authority().issue(request_for("alice@demo.example")).value();
  const auto leaf = parsed(issued.certificate);
  CHECK(issued.serial == serial_hex(*leaf));
  CHECK(issued.serial.size() > 24);
  CHECK(X509_get_key_usage(leaf.get()) == KU_DIGITAL_SIGNATURE);
  const auto key = io::load_private_key(issued.key.view());
  REQUIRE(key);
  CHECK(is_key_of(**key, *leaf));
}

TEST_CASE("a node without a user gets a user name of its own") {
  const Issued issued = make_authority().issue(request_for("")).value();
  CHECK(issued.identity.user_name == "node-" + issued.identity.node_ids.at(0).hex() + "@demo.example");
}

TEST_CASE("an authority is the same when read back, and refuses a foreign key") {
  const Authority authority = make_authority();
  const auto again = Authority::from_pem(kOverlay, 16, authority.key()->view(), authority.certificate());
  REQUIRE(again);
  const Issued issued = again->issue(request_for("bob@demo.example")).value();
  CHECK(chains_to(*parsed(issued.certificate), *parsed(authority.certificate())));

  const Authority other = make_authority();
  const auto mixed = Authority::from_pem(kOverlay, 16, other.key()->view(), authority.certificate());
  REQUIRE_FALSE(mixed);
  CHECK(mixed.error().text.find("do not belong together") != std::string::npos);
  CHECK_FALSE(Authority::from_pem(kOverlay, 16, "junk", authority.certificate()));
  CHECK_FALSE(Authority::from_pem(kOverlay, 16, authority.key()->view(), "junk"));
  CHECK_FALSE(Authority::from_pem(kOverlay, 16, issued.key.view(), issued.certificate));
}

TEST_CASE("no certificate outlives its authority") {
  Request request = request_for("alice@demo.example");
  request.validity = validity_for(kNow, 3651);
  const auto issued = make_authority().issue(request);
  REQUIRE_FALSE(issued);
  CHECK(issued.error().text.find("smaller --days") != std::string::npos);
}

TEST_CASE("the record of a certificate names it and who issued it, and holds no key") {
  const Authority authority = make_authority();
  const Issued issued = authority.issue(request_for("alice@demo.example")).value();
  CHECK(issued.record() == "{\"serial\":\"" + issued.serial + "\",\"user\":\"alice@demo.example\",\"node_ids\":[\"" +
                               issued.identity.node_ids[0].hex() +
                               "\"],\"not_before\":\"2027-01-15T07:00:00Z\",\"not_after\":\"2028-01-15T08:00:00Z\","
                               "\"authority\":\"" +
                               authority.id() + "\"}\n");
}
