#include "reload/base/limits.hpp"
#include "tests/unit/wire/test_bytes.hpp"

namespace reload::wire {

namespace {

constexpr std::string_view kPing = "0017 00000002 0000 00000000";
constexpr std::string_view kNoSignature = "00 00 03 0000 0000";

Bytes body_of(std::string_view contents, std::string_view security) {
  Bytes bytes = hex(contents);
  append(bytes, hex(security));
  return bytes;
}

}  // namespace

TEST_CASE("6940-6.3.3-1 6940-6.3.3-2: contents are a code, a body and extensions") {
  check_wire(MessageContents{MessageCode::ping_req, {0, 0}, {}}, kPing);
  check_wire(MessageContents{MessageCode::ping_req, {}, {MessageExtension{1, true, {0xca, 0xfe}}}},
             "0017 00000000 00000009 0001 01 00000002 cafe");
  CHECK_FALSE(decode<MessageContents>(hex("0017 00000000 00000009 0001 02 00000002 cafe")).has_value());
  CHECK_FALSE(decode<MessageContents>(hex("0017 00000000 00000008 0001 01 00000002 cafe")).has_value());
}

TEST_CASE("a body is parsed into views, and what is signed is exactly the contents") {
  const Bytes bytes = body_of(kPing, "0000" + std::string(kNoSignature));
  const auto parsed = parse_body(bytes);
  REQUIRE(parsed.has_value());
  CHECK(parsed->code == MessageCode::ping_req);
  CHECK(parsed->body.data() == bytes.data() + 6);
  CHECK(to_hex(parsed->body) == "0000");
  CHECK(parsed->contents_bytes.data() == bytes.data());
  CHECK(to_hex(parsed->contents_bytes) == to_hex(hex(kPing)));
  CHECK(parsed->security.certificates.empty());
  CHECK(parsed->security.signature.identity.type == SignerIdentityType::none);
}

TEST_CASE("a body cut anywhere or followed by more is refused") {
  Bytes bytes = body_of("0017 00000002 0000 00000009 0001 01 00000002 cafe",
                        "0006 00 0003 300100 04 03 01 0004 04 02 beef 0002 1122");
  REQUIRE(parse_body(bytes).has_value());
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    CHECK_FALSE(parse_body(ByteView(bytes).first(cut)).has_value());
  }
  bytes.push_back(0);
  CHECK_FALSE(parse_body(bytes).has_value());
}

TEST_CASE("too many extensions or certificates are refused") {
  MessageContents contents;
  SecurityBlock security;
  security.signature.identity.type = SignerIdentityType::none;
  const auto accepted = [&](std::size_t extensions, std::size_t certificates) {
    contents.extensions.resize(extensions);
    security.certificates.resize(certificates);
    Bytes bytes = encode(contents);
    append(bytes, encode(security));
    return parse_body(bytes).has_value();
  };
  CHECK(accepted(limits::kMaxExtensions, limits::kMaxCertificatesInMessage));
  CHECK_FALSE(accepted(limits::kMaxExtensions + 1, 0));
  CHECK_FALSE(accepted(0, limits::kMaxCertificatesInMessage + 1));
}

TEST_CASE("6940-6.3.3.1-5: code 0xffff comes with exactly one ErrorResponse") {
  const auto accepted = [](std::string_view body) {
    Bytes bytes = encode(MessageContents{MessageCode::error, hex(body), {}});
    append(bytes, hex("0000" + std::string(kNoSignature)));
    return parse_body(bytes).has_value();
  };
  CHECK(accepted("0003 0000"));
  CHECK(accepted("0014 0002 6e6f"));
  CHECK_FALSE(accepted(""));
  CHECK_FALSE(accepted("0003"));
  CHECK_FALSE(accepted("0003 0001"));
  CHECK_FALSE(accepted("0003 0000 00"));
}

TEST_CASE("6940-6.3.3.1-6: an error response is a code and information") {
  check_wire(ErrorResponse{ErrorCode::forbidden, {0x6e, 0x6f}}, "0002 0002 6e6f");
}

TEST_CASE("the code of a message on its way is its first two bytes") {
  CHECK(peek_code(hex("0017")) == MessageCode::ping_req);
  CHECK(peek_code(hex("ffff 00")) == MessageCode::error);
  CHECK_FALSE(peek_code(hex("00")).has_value());
}

TEST_CASE("6940-6.3.4-1 6940-6.3.4-2 6940-6.3.4-10: security block, certificate and signature") {
  SecurityBlock block;
  block.certificates = {GenericCertificate{CertificateType::x509, {0x30, 0x01, 0x00}}};
  block.signature = Signature{HashAlgorithm::sha256,
                              SignatureAlgorithm::rsa,
                              SignerIdentity{SignerIdentityType::cert_hash, HashAlgorithm::sha256, {0xbe, 0xef}},
                              {0x11, 0x22, 0x33}};
  check_wire(block, "0006 00 0003 300100 04 01 01 0004 04 02 beef 0003 112233");
}

TEST_CASE("6940-6.3.4-11 6940-6.3.4-12: the three signer identities") {
  check_wire(SignerIdentity{SignerIdentityType::cert_hash, HashAlgorithm::sha256, {0xbe, 0xef}}, "01 0004 04 02 beef");
  check_wire(SignerIdentity{SignerIdentityType::cert_hash_node_id, HashAlgorithm::sha1, {0xbe}}, "02 0003 02 01 be");
  check_wire(SignerIdentity{SignerIdentityType::none, HashAlgorithm::none, {}}, "03 0000");
  CHECK_FALSE(decode<SignerIdentity>(hex("03 0001 00")).has_value());
  CHECK_FALSE(decode<SignerIdentity>(hex("01 0005 04 02 beef 00")).has_value());
}

TEST_CASE("6940-6.3.4-8: messages and stored values are signed with the same element") {
  const Signature signature{HashAlgorithm::sha256,
                            SignatureAlgorithm::ecdsa,
                            SignerIdentity{SignerIdentityType::cert_hash, HashAlgorithm::sha256, {0xbe, 0xef}},
                            {0x11, 0x22}};
  const std::string element = to_hex(encode(signature));
  CHECK(element == to_hex(hex("04 03 01 0004 04 02 beef 0002 1122")));
  CHECK(to_hex(encode(SecurityBlock{{}, signature})) == "0000" + element);
  CHECK(to_hex(encode_stored(StoredData{0, 0, DataValue{}, signature})).ends_with(element));
}

TEST_CASE("6940-6.3.1.1-10: a type that a select does not know makes the whole message malformed") {
  CHECK_FALSE(decode<SignerIdentity>(hex("04 0000")).has_value());
  CHECK_FALSE(decode<UpdateReq>(hex("00000e10 04")).has_value());
  CHECK_FALSE(decode<UpdateReq>(hex("00000e10 00")).has_value());
  CHECK_FALSE(decode<LeaveReq>(hex(std::string(kHexA) + "0003 03 0000")).has_value());
  CHECK_FALSE(decode<DataFrame>(hex("82 00000000 000000")).has_value());
  CHECK_FALSE(parse_body(body_of(kPing, "0000 00 00 04 0000 0000")).has_value());
}

TEST_CASE("6940-6.6.2-2 6940-6.6.2-3: data and ack frames") {
  check_wire(DataFrame{5, {0xd2, 0x45}}, "80 00000005 000002 d245");
  check_wire(AckFrame{5, 14}, "81 00000005 0000000e");
  CHECK(encode(DataFrame{}).size() == kDataFrameHeaderSize);
  CHECK(encode(AckFrame{}).size() == kAckFrameSize);
  CHECK_FALSE(decode<AckFrame>(hex("80 00000005 0000000e")).has_value());
}

}  // namespace reload::wire
