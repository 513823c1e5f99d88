// Credentials as this authority writes them are read, trusted and usable by a peer.
#include "reload/io/credential_files.hpp"

#include <doctest/doctest.h>

#include "certs/authority.hpp"
#include "reload/security/trust.hpp"

using namespace reload;
using namespace reload::certs;

namespace {
const std::string kOverlay = "demo.example";
const Wall kNow = from_unix_seconds(1'800'000'000);
const io::OpensslCrypto kCrypto;

Authority make_authority() {
  return std::move(Authority::create(kOverlay, 16, io::KeyType::ecdsa_p256, validity_for(kNow, 3650)).value());
}
Issued issue(const Authority& authority, std::string user, io::KeyType type = io::KeyType::ecdsa_p256) {
  Request request;
  request.user_name = std::move(user);
  request.key_type = type;
  request.validity = validity_for(kNow, 365);
  return std::move(authority.issue(request).value());
}
std::string entry(const Issued& issued) { return std::string(issued.entry().view()); }

security::TrustPtr trust_in(const Authority& authority) {
  auto config = std::make_shared<config::OverlayConfig>();
  config->instance_name = kOverlay;
  config->root_certs.push_back(authority.der());
  return security::Trust::make(std::move(config), kCrypto).value();
}
std::string fault(std::string_view text) {
  const auto credentials = io::parse_credentials(text, kCrypto, 16);
  return credentials ? "accepted" : credentials.error().text;
}
bool says(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }
}  // namespace

TEST_CASE("a file holds many credentials, each with its user, Node-ID and fitting key") {
  const Authority authority = make_authority();
  const Issued alice = issue(authority, "alice@demo.example");
  const Issued bob = issue(authority, "bob@demo.example", io::KeyType::rsa_2048);
  const auto credentials = io::parse_credentials(entry(alice) + entry(bob), kCrypto, 16);
  REQUIRE(credentials);
  REQUIRE(credentials->size() == 2);
  const auto& first = *credentials->at(0);
  const auto& second = *credentials->at(1);
  CHECK(first.certificate->user_name == "alice@demo.example");
  CHECK(first.certificate->overlay == kOverlay);
  CHECK(first.node_id == alice.identity.node_ids.at(0));
  CHECK(second.certificate->user_name == "bob@demo.example");
  CHECK(second.node_id == bob.identity.node_ids.at(0));

  const Bytes input{1, 2, 3};
  for (const auto& credential : *credentials) {
    const auto signature = kCrypto.sign(*credential->key, input);
    REQUIRE(signature);
    CHECK(kCrypto.verify(*credential->certificate->key, wire::HashAlgorithm::sha256,
                         credential->certificate->key_algorithm, input, *signature));
  }
}

TEST_CASE(
    "6940-11.3-31, 6940-13.3-3: a peer trusts what the authority issued, while it is valid, and nothing of another") {
  const Authority authority = make_authority();
  const Authority other = make_authority();
  const auto trust = trust_in(authority);
  const auto check = [&](const Issued& issued, Wall when) {
    const auto credentials = io::parse_credentials(entry(issued), kCrypto, 16);
    REQUIRE(credentials);
    return trust->check(*credentials->at(0)->certificate, {}, when, kCrypto).has_value();
  };
  const Issued alice = issue(authority, "alice@demo.example");
  CHECK(check(alice, kNow));
  CHECK(check(alice, kNow - 59min));  // a clock that is behind
  CHECK_FALSE(check(alice, kNow - 61min));
  CHECK_FALSE(check(alice, kNow + std::chrono::hours(24 * 366)));
  CHECK_FALSE(check(issue(other, "alice@demo.example"), kNow));
}

TEST_CASE("a broken credential file is refused, by number and without telling its keys") {
  const Authority authority = make_authority();
  const std::string alice = entry(issue(authority, "alice@demo.example"));
  const std::string bob = entry(issue(authority, "bob@demo.example"));
  const std::size_t alice_certificate = alice.find("-----BEGIN CERTIFICATE");
  const std::size_t bob_certificate = bob.find("-----BEGIN CERTIFICATE");

  CHECK(says(fault(""), "holds no private key"));
  CHECK(says(fault(alice.substr(alice_certificate)), "holds no private key"));
  CHECK(says(fault(alice + bob.substr(0, bob_certificate)), "credential 2: certificate:"));
  CHECK(says(fault(alice.substr(0, alice_certificate) + bob.substr(bob_certificate)), "does not fit"));
  std::string damaged = alice;
  damaged[damaged.find("-----BEGIN") + 40] = '*';
  CHECK(says(fault(damaged), "credential 1: private key:"));
  CHECK(says(fault(alice.substr(0, 200)), "credential 1:"));
  CHECK(
      says(io::load_credentials("/nonexistent/a.pem", kCrypto, 16).error().text, "cannot read /nonexistent/a.pem: No"));
}
