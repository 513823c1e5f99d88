#include "certs/signing_request.hpp"

#include <doctest/doctest.h>

#include "tests/unit/certs/csr_kit.hpp"

using namespace reload;
using namespace reload::certs;

namespace {
std::string fault(const Bytes& der) {
  const auto request = parse_signing_request(der);
  return request ? "" : request.error().text;
}
}  // namespace

TEST_CASE("a request tells its key and the user names it asks for, and nothing else") {
  const auto key = make_ec("P-256");
  const auto plain = parse_signing_request(make_csr({.key = key.get(), .common_name = "mallory@demo.example"}));
  REQUIRE(plain);
  CHECK(plain->user_names.empty());
  CHECK(EVP_PKEY_eq(plain->key.get(), key.get()) == 1);
  const auto named = parse_signing_request(make_csr({.key = key.get(),
                                                     .emails = {"alice@demo.example", std::string("a\0b@x", 5)},
                                                     .uris = {"reload://0110@demo.example/"},
                                                     .domains = {"demo.example"}}));
  REQUIRE(named);
  CHECK(named->user_names == std::vector<std::string>{"alice@demo.example", std::string("a\0b@x", 5)});
}

TEST_CASE("RSA of 2048 bits and more, P-256 and P-384 are taken; other keys are not") {
  CHECK(fault(make_csr({.key = make_rsa(2048).get()})).empty());
  CHECK(fault(make_csr({.key = make_ec("P-384").get()})).empty());
  for (const auto& key : {make_rsa(1024).release(), make_ec("P-521").release(), make_ec("secp256k1").release(),
                          make_ec("P-256", false).release(), make_ed25519().release()}) {
    const io::KeyHandle owned(key);
    CHECK(fault(make_csr({.key = key})).find("key is neither") != std::string::npos);
  }
}

TEST_CASE("a request must be signed by the key in it") {
  const auto key = make_ec("P-256");
  const auto other = make_ec("P-256");
  CHECK(fault(make_csr({.key = key.get(), .signed_by = other.get()})).find("signature is wrong") != std::string::npos);
  Bytes altered = make_csr({.key = key.get(), .emails = {"alice@demo.example"}});
  const auto at = as_text(altered).find("alice");
  altered[at] = 'b';
  CHECK(fault(altered).find("signature is wrong") != std::string::npos);
}

TEST_CASE("what is no request in DER is refused, wherever it is cut") {
  const Bytes whole = make_csr({.key = make_ec("P-256").get(), .emails = {"alice@demo.example"}});
  REQUIRE(fault(whole).empty());
  for (auto cut = whole.begin(); cut != whole.end(); ++cut) CHECK_FALSE(fault({whole.begin(), cut}).empty());
  Bytes longer = whole;
  longer.push_back(0);
  CHECK(fault(longer).find("stray bytes") != std::string::npos);
  CHECK(fault(Bytes(kMaxRequestBytes + 1)).find("too long") != std::string::npos);
}
