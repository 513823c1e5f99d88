#include <doctest/doctest.h>

#include "reload/dump/dump_json.hpp"

namespace reload::dump {

namespace {

Bytes message_with(const wire::ForwardingHeader& header, ByteView tail) {
  Bytes bytes = wire::encode_header(header, tail.size());
  append(bytes, tail);
  return bytes;
}

}  // namespace

TEST_CASE("a malformed header is said, with the bytes") {
  CHECK(dump_message(*from_hex("d2454c4f"), {}) == Json{{"fault", "truncated"}, {"bytes", "d2454c4f"}});
}

TEST_CASE("a fragment shows its header and its slice") {
  wire::ForwardingHeader header;
  header.fragment = wire::ForwardingHeader::kFragmentAlways | 16;
  const Json json = dump_message(message_with(header, *from_hex("beef")), {});
  CHECK(json.at("fragment") == "beef");
  CHECK_FALSE(json.contains("fault"));
}

TEST_CASE("contents that cannot be read are said, with the bytes") {
  const Json json = dump_message(message_with({}, *from_hex("beef")), {});
  CHECK(json.at("fault") == "contents");
  CHECK(json.at("bytes") == "beef");
  CHECK(json.contains("forwarding_header"));
}

TEST_CASE("a body that does not fit its code is said within the message; one of an unknown code stays hex") {
  wire::SecurityBlock security;
  security.signature.identity.type = wire::SignerIdentityType::none;
  const auto dump_of = [&](wire::MessageCode code) {
    Bytes tail = wire::encode(wire::MessageContents{code, {0xff}, {}});
    append(tail, wire::encode(security));
    return dump_message(message_with({}, tail), {}).at("message_contents");
  };
  CHECK(dump_of(wire::MessageCode::ping_req).at("message_body") == Json{{"fault", "malformed"}, {"bytes", "ff"}});
  const Json unknown = dump_of(static_cast<wire::MessageCode>(0x1b));
  CHECK(unknown.at("message_code") == 0x1b);
  CHECK(unknown.at("message_body") == "ff");
}

}  // namespace reload::dump
