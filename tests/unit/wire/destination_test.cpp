#include "reload/base/limits.hpp"
#include "tests/unit/wire/test_bytes.hpp"

namespace reload::wire {

namespace {

bool refused(std::string_view text) { return !decode<Destination>(hex(text)).has_value(); }

}  // namespace

TEST_CASE("6940-6.3.1.1-7 6940-6.3.1.1-9: IPv4 and IPv6 address and port") {
  IpAddressPort address{AddressType::ipv4, {192, 0, 2, 1}, 6084};
  check_wire(address, "01 06 c0000201 17c4");
  address = {AddressType::ipv6, {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 6084};
  check_wire(address, "02 12 20010db8000000000000000000000001 17c4");
}

TEST_CASE("6940-6.3.1.1-8: an address of an unknown type is skipped by its length") {
  const auto turn = decode<TurnServer>(hex("05 09 04 aabbccdd"));
  REQUIRE(turn.has_value());
  CHECK(turn->server_address.type == static_cast<AddressType>(9));
  CHECK_FALSE(decode<TurnServer>(hex("05 09 05 aabbccdd")).has_value());
}

TEST_CASE("6940-6.3.1.1-3 6940-3-1: a NodeId is 16 to 20 raw bytes by configuration, and never zero on the wire") {
  const std::string digits = std::string(kHexA) + "11121314";
  for (std::size_t length = 16; length <= 20; ++length) {
    CodecContext context;
    context.node_id_length = length;
    const Bytes bytes = hex(std::string_view(digits).substr(0, 2 * length));
    const auto answer = decode<RouteQueryAns>(bytes, context);
    REQUIRE(answer.has_value());
    CHECK(equal(answer->next_peer.view(), bytes));
    CHECK(encode(*answer) == bytes);
    context.node_id_length = length == 20 ? 16 : length + 1;
    CHECK_FALSE(decode<RouteQueryAns>(bytes, context).has_value());
  }
  CHECK_FALSE(decode<RouteQueryAns>(Bytes(16)).has_value());
  CHECK(decode<RouteQueryAns>(Bytes(16, 0xff))->next_peer.is_wildcard());
}

TEST_CASE("6940-6.3.1.1-4: a ResourceId has a length byte") {
  CHECK(to_hex(encode_resource(ResourceId(as_bytes("FOO")))) == "03464f4f");
  check_wire(FindReq{ResourceId(as_bytes("FOO")), {}}, "03 464f4f 00");
}

TEST_CASE("6940-6.3.2.2-2: the long form of each type") {
  check_wire<Destination>(kNodeA, "01 10" + std::string(kHexA));
  check_wire<Destination>(ResourceId(as_bytes("FOO")), "02 04 03 464f4f");
  check_wire<Destination>(OpaqueId{{1, 2, 3}, false}, "03 04 03 010203");
}

TEST_CASE("6940-6.3.2.2-3 6940-6.3.2.2-4 6940-6.3.2.2-5: two bytes with the first bit set are an opaque id") {
  const auto shortest = decode<Destination>(hex("8000"));
  REQUIRE(shortest.has_value());
  CHECK(std::get<OpaqueId>(*shortest).compressed);
  for (const std::string_view text : {"8000", "8123", "ffff"}) {
    const auto compressed = decode<Destination>(hex(text));
    const auto plain = decode<Destination>(hex("03 03 02" + std::string(text)));
    REQUIRE(compressed.has_value());
    REQUIRE(plain.has_value());
    CHECK(std::get<OpaqueId>(*compressed).bytes == std::get<OpaqueId>(*plain).bytes);
    CHECK(to_hex(encode(*compressed)) == text);
  }
  CHECK(refused("80"));
  CHECK(refused("800000"));
}

TEST_CASE("6940-6.3.2.2-6: an entry that starts with a type has the first bit clear and is type, length, value") {
  for (const auto& destination : {Destination(kNodeA), Destination(ResourceId()), Destination(OpaqueId{})}) {
    CHECK((encode(destination)[0] & 0x80) == 0);
  }
  const auto list = decode<DestinationList>(hex("03 02 01 aa 8123 02 02 01 bb"));
  REQUIRE(list.has_value());
  CHECK(*list == DestinationList{OpaqueId{{0xaa}, false}, OpaqueId{{0x81, 0x23}, true}, ResourceId(hex("bb"))});
}

TEST_CASE("6940-6.3.2.2-7: an unknown type is skipped by its length and kept for those further on") {
  const Bytes bytes = hex("7f 03 aabbcc 8123");
  const auto list = decode<DestinationList>(bytes);
  REQUIRE(list.has_value());
  REQUIRE(list->size() == 2);
  CHECK(std::get<UnknownDestination>((*list)[0]) == UnknownDestination{0x7f, hex("aabbcc")});
  CHECK(encode(*list) == bytes);
}

TEST_CASE("destinations whose lengths do not fit are refused") {
  CHECK(refused(""));
  CHECK(refused("00 00"));                              // type invalid
  CHECK(refused("01 0f" + std::string(kHexA)));         // node too short
  CHECK(refused("01 11" + std::string(kHexA) + "11"));  // node too long
  CHECK(refused("02 04 02 aabb cc"));                   // inner length shorter
  CHECK(refused("02 02 03 aa"));                        // inner length longer
  CHECK(refused("02 00"));                              // no inner length
  CHECK(refused("03 04 02 aabb cc"));
  CHECK(refused("7f 03 aabb"));
}

TEST_CASE("6940-14.15-2: a destination list as in a certificate's URI has no length of its own") {
  check_wire(DestinationList{kNodeA}, "0110" + std::string(kHexA));
  const Bytes entry = hex("8001");
  Bytes bytes;
  for (std::size_t i = 0; i < limits::kMaxDestinations; ++i) append(bytes, entry);
  CHECK(decode<DestinationList>(bytes).has_value());
  append(bytes, entry);
  CHECK_FALSE(decode<DestinationList>(bytes).has_value());
}

}  // namespace reload::wire
