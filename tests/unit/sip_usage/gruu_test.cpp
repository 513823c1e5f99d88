#include "sip-usage/gruu.hpp"

#include <doctest/doctest.h>

namespace reload::sip {
namespace {

NodeId node(std::string_view hex) { return NodeId(from_hex(hex).value()); }

TEST_CASE("7904-6-1: a GRUU is the address and the destination list in base64 with ~ for =") {
  CHECK(make_gruu("a@h", {node("00112233445566778899aabbccddeeff")}) == "a@h;gr=ARAAESIzRFVmd4iZqrvM3e7/");
  CHECK(make_gruu("a@h", {node("000102030405060708090a0b0c0d0e0f10111213")}) ==
        "a@h;gr=ARQAAQIDBAUGBwgJCgsMDQ4PEBESEw~~");
  CHECK(make_gruu("a@h", {node("000102030405060708090a0b0c0d0e0f1011")}) == "a@h;gr=ARIAAQIDBAUGBwgJCgsMDQ4PEBE~");
  CHECK(make_gruu("a@h", {node("fbefbefbefbefffefdfcfbfaf9f8f7f6")}) == "a@h;gr=ARD77777777//v38+/r5+Pf2");
}

TEST_CASE("7904-6-2: the destination list is read back, whatever the escapes and missing padding") {
  const wire::DestinationList list{node("000102030405060708090a0b0c0d0e0f1011")};
  CHECK(read_gruu("ARIAAQIDBAUGBwgJCgsMDQ4PEBE~", 18) == list);
  CHECK(read_gruu("ARIAAQIDBAUGBwgJCgsMDQ4PEBE", 18) == list);
  CHECK(read_gruu("ARIAAQIDBAUGBwgJCgsMDQ4PEBE%7E", 18) == list);
  CHECK(read_gruu("%41RD77777777%2f/v38+/r5+Pf2") == wire::DestinationList{node("fbefbefbefbefffefdfcfbfaf9f8f7f6")});
  const wire::DestinationList two{node("00112233445566778899aabbccddeeff"), wire::OpaqueId{{0x80, 0x01}, true}};
  CHECK(read_gruu(make_gruu("", two).substr(4)) == two);
}

TEST_CASE("The RFC's own example is a raw Node-ID where Node-IDs have 20 bytes, and nothing elsewhere") {
  const auto list = read_gruu("MDEyMzQ1Njc4OTAxMjM0NTY3ODk~", 20);
  REQUIRE(list);
  CHECK(std::get<NodeId>(list->front()) == NodeId(as_bytes("01234567890123456789")));
  CHECK_FALSE(read_gruu("MDEyMzQ1Njc4OTAxMjM0NTY3ODk~", 16));
}

TEST_CASE("What holds no destination list is no GRUU") {
  for (const char* gr : {"", "~", "A", "!!!!", "ARAA", "%4", "%zz"}) CHECK_FALSE(read_gruu(gr));
}

}  // namespace
}  // namespace reload::sip
