#include "reload/base/limits.hpp"
#include "tests/unit/wire/test_bytes.hpp"

namespace reload::wire {

namespace {

constexpr std::string_view kPlain =
    "d2454c4f 9aa32b8d 0001 0a 64 c0000000 00000026 0123456789abcdef 00001388 0000 0000 0000";

ForwardingHeader plain_header() {
  ForwardingHeader header;
  header.overlay = 0x9aa32b8d;
  header.configuration_sequence = 1;
  header.ttl = 100;
  header.length = 38;
  header.transaction_id = 0x0123456789abcdef;
  header.max_response_length = 5000;
  return header;
}

HeaderFault fault_of(Bytes bytes, std::size_t at, std::uint8_t value) {
  bytes[at] = value;
  return decode_header(bytes).fault;
}

Bytes header_with_via(std::size_t count) {
  ForwardingHeader header = plain_header();
  header.via_list.assign(count, OpaqueId{{0x80, 0x01}, true});
  return encode_header(header, 0);
}

}  // namespace

TEST_CASE("6940-6.3.2-1 6940-6.3.2-6: the header's fixed part, version 1.0 as 0x0a") {
  CHECK(to_hex(encode_header(plain_header(), 0)) == to_hex(hex(kPlain)));
  const HeaderDecode decoded = decode_header(hex(kPlain));
  CHECK(decoded.fault == HeaderFault::none);
  CHECK(decoded.header_size == kForwardingHeaderSize);
  CHECK(decoded.header == plain_header());
  CHECK(ForwardingHeader().version == 0x0a);
}

TEST_CASE("6940-6.3.2-2: relo_token is 0xd2454c4f") {
  CHECK(to_hex(ByteView(encode_header(plain_header(), 0)).first(4)) == "d2454c4f");
  for (std::size_t i = 0; i < 4; ++i) CHECK(fault_of(hex(kPlain), i, 0x00) == HeaderFault::token);
  CHECK(fault_of(hex(kPlain), 0, 0x52) == HeaderFault::token);
}

TEST_CASE("6940-6.3.2-14 6940-6.7-14: the top bit of fragment is always set") {
  ForwardingHeader header = plain_header();
  header.fragment = 0x10;
  CHECK((encode_header(header, 0)[12] & 0x80) == 0x80);
  CHECK(fault_of(hex(kPlain), 12, 0x40) == HeaderFault::fragment);
}

TEST_CASE("6940-6.3.2-15 6940-6.7-13: a message that is not fragmented has fragment 0xc0000000; offset and last bit") {
  CHECK(to_hex(ByteView(encode_header(ForwardingHeader(), 0)).subspan(12, 4)) == "c0000000");
  CHECK(ForwardingHeader().is_whole());
  ForwardingHeader header;
  header.fragment = 0x80000400;
  CHECK(header.fragment_offset() == 1024);
  CHECK_FALSE(header.is_last_fragment());
  header.fragment = 0xc0ffffff;
  CHECK(header.fragment_offset() == 0xffffff);
  CHECK(header.is_last_fragment());
  CHECK_FALSE(header.is_whole());
}

TEST_CASE("6940-6.3.2-16: the six reserved bits of fragment are sent as zero and not looked at") {
  ForwardingHeader header = plain_header();
  header.fragment = 0xff000001;
  CHECK(to_hex(ByteView(encode_header(header, 0)).subspan(12, 4)) == "c0000001");
  Bytes bytes = hex(kPlain);
  bytes[12] = 0xff;
  const HeaderDecode decoded = decode_header(bytes);
  CHECK(decoded.fault == HeaderFault::none);
  CHECK(decoded.header.fragment == 0xc0000000);
}

TEST_CASE("6940-6.3.2-17 6940-6.7-6: length is that of the message or fragment with its header") {
  ForwardingHeader header = plain_header();
  header.via_list = {kNodeA};
  Bytes bytes = encode_header(header, 10);
  CHECK(to_hex(ByteView(bytes).subspan(16, 4)) == "00000042");  // 38 + 18 + 10
  bytes.resize(bytes.size() + 10);
  CHECK(decode_header(bytes).fault == HeaderFault::none);
  bytes.push_back(0);
  const HeaderDecode decoded = decode_header(bytes);
  CHECK(decoded.fault == HeaderFault::length);
  CHECK(decoded.header.via_list == header.via_list);
}

TEST_CASE("6940-6.3.2-22: three lengths in bytes, then via list, destination list and options") {
  ForwardingHeader header = plain_header();
  header.via_list = {OpaqueId{{0x81, 0x23}, true}};
  header.destination_list = {kNodeA};
  header.options = {ForwardingOption{0x40, ForwardingOption::kDestinationCritical, {0xaa}}};
  const Bytes bytes = encode_header(header, 0);
  CHECK(to_hex(ByteView(bytes).subspan(32)) ==
        to_hex(hex("0002 0012 0005 8123 0110" + std::string(kHexA) + "40 02 0001 aa")));
  HeaderDecode decoded = decode_header(bytes);
  REQUIRE(decoded.fault == HeaderFault::none);
  CHECK(decoded.header_size == bytes.size());
  header.length = static_cast<std::uint32_t>(bytes.size());
  CHECK(decoded.header == header);
}

TEST_CASE("6940-6.3-2: the header is decoded without looking at what follows it") {
  Bytes bytes = encode_header(plain_header(), 3);
  append(bytes, hex("ffffff"));
  const HeaderDecode decoded = decode_header(bytes);
  CHECK(decoded.fault == HeaderFault::none);
  CHECK(decoded.header_size == bytes.size() - 3);
}

TEST_CASE("a header cut anywhere is truncated") {
  ForwardingHeader header = plain_header();
  header.via_list = {kNodeA, kNodeB};
  const Bytes bytes = encode_header(header, 0);
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    CHECK(decode_header(ByteView(bytes).first(cut)).fault == HeaderFault::truncated);
  }
}

TEST_CASE("lists that break the rules of their entries or have too many are refused") {
  CHECK(fault_of(header_with_via(1), 38, 0x00) == HeaderFault::lists);
  CHECK(decode_header(header_with_via(limits::kMaxDestinations)).fault == HeaderFault::none);
  CHECK(decode_header(header_with_via(limits::kMaxDestinations + 1)).fault == HeaderFault::lists);
  ForwardingHeader header = plain_header();
  header.options.resize(limits::kMaxForwardingOptions + 1);
  CHECK(decode_header(encode_header(header, 0)).fault == HeaderFault::lists);
  header.options.resize(limits::kMaxForwardingOptions);
  CHECK(decode_header(encode_header(header, 0)).fault == HeaderFault::none);
}

TEST_CASE("6940-6.3.2.3-1 6940-6.3.2.3-2 6940-6.3.2.3-8: options, with their flags; unknown ones are kept whole") {
  ForwardingHeader header = plain_header();
  header.options = {ForwardingOption{0x7f, ForwardingOption::kForwardCritical | ForwardingOption::kResponseCopy, {}}};
  const Bytes bytes = encode_header(header, 0);
  CHECK(to_hex(ByteView(bytes).subspan(38)) == "7f050000");
  CHECK(decode_header(bytes).header.options == header.options);
  CHECK(ForwardingOption::kForwardCritical == 1);
  CHECK(ForwardingOption::kDestinationCritical == 2);
  CHECK(ForwardingOption::kResponseCopy == 4);
}

TEST_CASE("6940-6.7-2 6940-6.7-12: a fragment carries the header, then its slice of the rest") {
  ForwardingHeader header = plain_header();
  header.fragment = 0x80000000 | 512;
  Bytes bytes = encode_header(header, 4);
  append(bytes, hex("01020304"));
  const HeaderDecode decoded = decode_header(bytes);
  REQUIRE(decoded.fault == HeaderFault::none);
  CHECK(decoded.header.fragment_offset() == 512);
  CHECK(to_hex(ByteView(bytes).subspan(decoded.header_size)) == "01020304");
}

}  // namespace reload::wire
