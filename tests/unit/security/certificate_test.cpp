#include "reload/security/certificate.hpp"

#include <doctest/doctest.h>

#include "tests/kit/fixtures.hpp"

using namespace reload;
using namespace reload::security;

namespace {

const std::string kHex = "000102030405060708090a0b0c0d0e0f";
const NodeId kNode = *NodeId::parse_hex(kHex);

bool is_read(std::string_view uri, std::size_t length = 16) { return parse_reload_uri(uri, length).has_value(); }

}  // namespace

TEST_CASE("6940-14.15-1: a reload URI is written with the hex of a Destination List and a final slash") {
  CHECK(make_reload_uri(kNode, "demo.example") == "reload://0110" + kHex + "@demo.example/");
}

TEST_CASE("a reload URI is read in the RFC's form and with a bare Node-ID") {
  for (const std::string& uri : {"reload://0110" + kHex + "@demo.example/", "reload://0110" + kHex + "@demo.example",
                                 "RELOAD://" + kHex + "@demo.example/",
                                 std::string("reload://0110000102030405060708090A0B0C0D0E0F@demo.example/")}) {
    CAPTURE(uri);
    const auto read = parse_reload_uri(uri, 16);
    REQUIRE(read.has_value());
    CHECK(read->node_id == kNode);
    CHECK(read->overlay == "demo.example");
  }
  CHECK(is_read("reload://0114" + kHex + "10111213@demo.example/", 20));
}

TEST_CASE("what is no reload URI of one Node-ID is refused") {
  for (const std::string& uri :
       {std::string(), std::string("reload://"), "http://0110" + kHex + "@a/", "reload://0110" + kHex,
        "reload://0110" + kHex + "@", "reload://0110" + kHex + "@/", "reload://0210" + kHex + "@a/",
        "reload://0111" + kHex + "@a/", "reload://01" + kHex + "@a/", "reload://0110" + kHex + "00@a/",
        "reload://0110" + kHex + "0110" + kHex + "@a/", "reload://xx10" + kHex + "@a/",
        "reload://0110" + kHex + "@a/b/", "reload://0110" + kHex + "@a@b/", "reload://0110" + kHex + "@a//",
        "reload://0110" + std::string(32, '0') + "@a/", "reload://0110" + std::string(32, 'f') + "@a/"}) {
    CAPTURE(uri);
    CHECK_FALSE(is_read(uri));
  }
  CHECK_FALSE(is_read("reload://0110" + kHex + "@a/", 20));
  CHECK_FALSE(is_read("reload://" + kHex + "@a/", 20));
}

TEST_CASE("credentials are found by id and user; a renewed one keeps its id, a removed one's id is not used again") {
  const kit::Fixture overlay("demo.example");
  Credentials credentials(overlay.issue(kit::node_number(1), "peer@demo.example"));
  CHECK(credentials.node()->node_id == kit::node_number(1));
  const CredentialId alice = credentials.add(overlay.issue(kit::node_number(2), "alice@demo.example"));
  const CredentialId bob = credentials.add(overlay.issue(kit::node_number(3), "bob@demo.example"));
  CHECK(alice != bob);
  CHECK(credentials.find_user("alice@demo.example") == alice);
  const CredentialPtr renewed = overlay.issue(kit::node_number(4), "alice@demo.example");
  CHECK(credentials.add(renewed) == alice);
  CHECK(credentials.find(alice) == renewed);
  credentials.remove(alice);
  CHECK(credentials.find(alice) == nullptr);
  CHECK_FALSE(credentials.find_user("alice@demo.example").has_value());
  CHECK_FALSE(credentials.find_user("peer@demo.example").has_value());  // the node's own is not a user's
  CHECK(credentials.add(renewed) != alice);
}
