// The hand-written vectors of tests/vectors: what they decode to, and that they encode to the same bytes again.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "reload/dump/dump_json.hpp"

namespace reload::dump {

namespace {

class RegisteredModels final : public wire::ModelLookup {
 public:
  [[nodiscard]] std::optional<wire::DataModel> model_of(KindId kind) const override {
    if (kind == wire::kKindSipRegistration) return wire::DataModel::dictionary;
    if (kind == wire::kKindTurnService) return wire::DataModel::single;
    if (kind == wire::kKindCertificateByNode || kind == wire::kKindCertificateByUser) return wire::DataModel::array;
    return std::nullopt;
  }
};

const RegisteredModels kModels;

wire::CodecContext test_context() {
  wire::CodecContext context;
  context.models = &kModels;
  return context;
}

std::vector<Json> read_vectors() {
  std::vector<Json> vectors;
  for (const auto& entry : std::filesystem::directory_iterator(RELOAD_VECTORS_DIR)) {
    if (entry.path().extension() != ".json" || entry.path().filename() == "hashes.json") continue;
    std::ifstream file(entry.path());
    for (const Json& vector : Json::parse(file)) vectors.push_back(vector);
  }
  return vectors;
}

Bytes bytes_of(const Json& vector) {
  Bytes bytes;
  for (const std::string part : vector.at("parts")) {
    const std::optional<Bytes> read = from_hex(part.substr(0, part.find(' ')));
    REQUIRE(read.has_value());
    append(bytes, *read);
  }
  return bytes;
}

std::optional<Bytes> recode_message(ByteView bytes) {
  const wire::HeaderDecode header = wire::decode_header(bytes);
  if (header.fault != wire::HeaderFault::none) return std::nullopt;
  const auto body = wire::parse_body(bytes.subspan(header.header_size));
  if (!body) return std::nullopt;
  Bytes tail = wire::encode(wire::MessageContents{body->code, to_bytes(body->body), body->extensions});
  append(tail, wire::encode(body->security));
  Bytes message = wire::encode_header(header.header, tail.size());
  append(message, tail);
  return message;
}

std::optional<Json> dump_vector(const std::string& type, ByteView bytes) {
  if (type != "Message") return find_structure(type)->dump(bytes, test_context());
  Json json = dump_message(bytes, test_context());
  if (json.contains("fault")) return std::nullopt;
  return json;
}

std::optional<Bytes> recode_vector(const std::string& type, ByteView bytes) {
  if (type == "Message") return recode_message(bytes);
  return find_structure(type)->recode(bytes, test_context());
}

}  // namespace

TEST_CASE("every vector decodes to what is written beside it and encodes to itself") {
  for (const Json& vector : read_vectors()) {
    const std::string type = vector.at("type");
    CAPTURE(vector.at("name").get<std::string>());
    REQUIRE((type == "Message" || find_structure(type) != nullptr));
    const Bytes bytes = bytes_of(vector);
    const std::optional<Json> json = dump_vector(type, bytes);
    if (vector.value("malformed", false)) {
      CHECK_FALSE(json.has_value());
      continue;
    }
    REQUIRE(json.has_value());
    CHECK(json->dump() == vector.at("json").dump());
    const std::optional<Bytes> again = recode_vector(type, bytes);
    REQUIRE(again.has_value());
    CHECK(to_hex(*again) == vector.value("recode", to_hex(bytes)));
  }
}

TEST_CASE("every structure and every message code has a vector") {
  std::set<std::string> types;
  std::set<int> codes;
  for (const Json& vector : read_vectors()) {
    types.insert(vector.at("type").get<std::string>());
    for (const int code : vector.value("codes", std::vector<int>())) codes.insert(code);
  }
  if (types.contains("FetchReq")) types.insert("StatReq");
  for (const Structure& structure : structures()) {
    CAPTURE(structure.name);
    CHECK(types.contains(std::string(structure.name)));
  }
  for (int code = 0; code <= 0xffff; ++code) {
    if (structure_of_body(static_cast<wire::MessageCode>(code)) == nullptr) continue;
    CAPTURE(code);
    CHECK(codes.contains(code));
  }
}

}  // namespace reload::dump
