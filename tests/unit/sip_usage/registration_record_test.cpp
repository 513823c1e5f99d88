#include "sip-usage/registration_record.hpp"

#include <doctest/doctest.h>

namespace reload::sip {
namespace {

const NodeId kNode(from_hex("00112233445566778899aabbccddeeff").value());

std::optional<Registration> decode(std::string_view hex) { return decode_registration(from_hex(hex).value()); }

TEST_CASE("7904-3.2-1 7904-3.2-2: a route is preferences and a destination list, its length counts what follows") {
  CHECK(to_hex(encode_registration(RouteRegistration{"", {kNode}})) ==
        "02001600000012011000112233445566778899aabbccddeeff");
  CHECK(to_hex(encode_registration(RouteRegistration{std::string(kPrefsSips), {kNode}})) ==
        "020028001228"
        "7369702e736368656d65733d53495053"
        "290012011000112233445566778899aabbccddeeff");
  CHECK(decode("02001600000012011000112233445566778899aabbccddeeff") == Registration(RouteRegistration{"", {kNode}}));
}

TEST_CASE("7904-3.2-2: a uri is an address") {
  const std::string hex = "0100190017636861726c6965406468742e6578616d706c652e636f6d";
  CHECK(to_hex(encode_registration(UriRegistration{"charlie@dht.example.com"})) == hex);
  CHECK(decode(hex) == Registration(UriRegistration{"charlie@dht.example.com"}));
}

TEST_CASE("7904-3.2-5: the destination list may name another node than the key, and several") {
  const NodeId peer(from_hex("11112222333344445555666677778888").value());
  const Registration route = RouteRegistration{"", {peer, kNode}};
  CHECK(decode_registration(encode_registration(route)) == route);
}

TEST_CASE("Malformed registrations are refused") {
  for (const char* hex : {
           "",    // nothing
           "02",  // no length
           "02000600000002"
           "8001",  // list of two bytes
           "0200160000001301"
           "1000112233445566778899aabbccddeeff",                    // inner length beyond length
           "02001700000012011000112233445566778899aabbccddeeff",    // length beyond the value
           "02001600000012011000112233445566778899aabbccddeeff00",  // bytes after the value
           "0100030003"
           "61",      // uri longer than length
           "000000",  // type 0
           "02000700000003"
           "011000",  // truncated destination
       })
    CHECK_MESSAGE(!decode(hex), hex);
}

TEST_CASE("A type of a later version is skipped by its length, and bytes after the known fields are ignored") {
  CHECK(decode("0300050102030405") == Registration(UnknownRegistration{3}));
  CHECK(decode("01000400016100") == Registration(UriRegistration{"a"}));
  CHECK_FALSE(
      decode("03000601020304"
             "05"));
}

TEST_CASE("7904-3.2-3 7904-3.2-4: the scheme preference is read in both forms") {
  CHECK(scheme_preference("(sip.schemes=SIPS)") == SchemePreference::sips);
  CHECK(scheme_preference("(sip.schemes=SIP)") == SchemePreference::sip);
  CHECK(scheme_preference("(& (sip.audio=TRUE) (SIP.Schemes = sips))") == SchemePreference::sips);
  CHECK(scheme_preference("audio;schemes=\"sips\"") == SchemePreference::sips);
  CHECK(scheme_preference("schemes=\"sip\";video") == SchemePreference::sip);
  CHECK(scheme_preference("schemes=\"sip,sips\"") == SchemePreference::none);
  CHECK(scheme_preference("(| (sip.schemes=SIP) (sip.schemes=SIPS))") == SchemePreference::none);
  for (const char* text : {"", "(", "sip.schemes", "schemes=", "(sip.audio=TRUE)", "schemes=\"", "(sip.schemes=TEL)"})
    CHECK(scheme_preference(text) == SchemePreference::none);
}

}  // namespace
}  // namespace reload::sip
