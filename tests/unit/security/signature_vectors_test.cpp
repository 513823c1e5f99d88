// tests/vectors/signatures: what is signed, byte for byte.
#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "reload/io/openssl_crypto.hpp"
#include "reload/security/data_signature.hpp"
#include "reload/security/message_auth.hpp"
#include "reload/security/trust.hpp"

using namespace reload;
using namespace reload::security;
using nlohmann::json;

namespace {

std::vector<json> vectors(std::string_view of) {
  std::ifstream file(std::string(RELOAD_VECTORS_DIR) + "/signatures/signature_inputs.json");
  std::vector<json> chosen;
  for (const json& vector : json::parse(file))
    if (vector.at("of") == of) chosen.push_back(vector);
  REQUIRE_FALSE(chosen.empty());
  return chosen;
}

Bytes hex(const json& text) { return *from_hex(text.get<std::string>()); }

std::string joined(const json& parts) {
  std::string text;
  for (const std::string part : parts) text += part.substr(0, part.find(' '));
  return text;
}

wire::Signature signature_by(const json& identity) {
  wire::Signature signature;
  signature.identity = {static_cast<wire::SignerIdentityType>(identity.at("type").get<int>()),
                        wire::HashAlgorithm::sha256, hex(identity.at("hash"))};
  return signature;
}

wire::StoredDataValue value_of(const json& value) {
  const wire::DataValue data{value.at("exists").get<bool>(), hex(value.at("value"))};
  if (value.contains("key")) return wire::DictionaryEntry{hex(value.at("key")), data};
  if (value.contains("index")) return wire::ArrayEntry{value.at("index").get<std::uint32_t>(), data};
  return data;
}

}  // namespace

// 6940-6.3.4-18, 6940-6.3-4: over the raw contents.
TEST_CASE("6940-6.3.4-9: a message's signature covers overlay, transaction, contents and signer") {
  for (const json& vector : vectors("message")) {
    CAPTURE(vector.at("name").get<std::string>());
    const auto check =
        message_check(static_cast<std::uint32_t>(std::stoul(vector.at("overlay").get<std::string>(), nullptr, 16)),
                      std::stoull(vector.at("transaction").get<std::string>(), nullptr, 16), hex(vector.at("contents")),
                      signature_by(vector.at("identity")));
    CHECK(to_hex(check.input) == joined(vector.at("parts")));
    CHECK(check.alternative_input.empty());
  }
}

// 6940-7.1-1, 6940-7.1-2: neither lifetime nor generation counter.
TEST_CASE(
    "6940-6.3.4-9, 6940-7.4.2.2-10: a value's signature covers resource, kind, time, value and signer, an array's with "
    "index 0") {
  for (const json& vector : vectors("value")) {
    CAPTURE(vector.at("name").get<std::string>());
    wire::StoredData data;
    data.storage_time = vector.at("storage_time").get<std::uint64_t>();
    data.lifetime = 12345;
    data.value = value_of(vector.at("value"));
    data.signature = signature_by(vector.at("identity"));
    const KindId kind{static_cast<std::uint32_t>(std::stoul(vector.at("kind").get<std::string>(), nullptr, 16))};
    const auto check = value_check(ResourceId(hex(vector.at("resource"))), kind, data);
    CHECK(to_hex(check.input) == joined(vector.at("parts")));
    CHECK(to_hex(check.alternative_input) == joined(vector.at("accepted")));
  }
}

// 6940-11.3.1-4
TEST_CASE("6940-11.3.1-3: self-signed Node-IDs are the high-order bytes of the key's digest") {
  const io::OpensslCrypto crypto;
  for (const json& vector : vectors("self-signed Node-ID")) {
    CAPTURE(vector.at("name").get<std::string>());
    const auto algorithm = vector.at("digest") == "sha1" ? wire::HashAlgorithm::sha1 : wire::HashAlgorithm::sha256;
    const std::string key = vector.at("parts").back().get<std::string>();
    const auto id = self_signed_node_id(crypto, algorithm, *from_hex(key.substr(0, key.find(' '))), 16,
                                        vector.at("index").get<std::size_t>());
    REQUIRE(id.has_value());
    CHECK(id->hex() == vector.at("node_id").get<std::string>());
  }
  CHECK_FALSE(self_signed_node_id(crypto, wire::HashAlgorithm::md5, Bytes{1}, 16).has_value());
}
