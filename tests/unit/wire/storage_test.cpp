// Stored values and the messages of Store, Fetch, Stat and Find, byte for byte.
#include "tests/unit/wire/random_fields.hpp"
#include "tests/unit/wire/test_bytes.hpp"

namespace reload::wire {

namespace {

// As TestModels has them.
constexpr KindId kSingle{0};
constexpr KindId kArray{1};
constexpr KindId kDictionary{2};
constexpr KindId kUnknown{3};

const TestModels kModels;

CodecContext context_with_models() {
  CodecContext context;
  context.models = &kModels;
  return context;
}

const ResourceId kResource(Bytes{0xaa, 0xbb});
const Signature kNoSignature{HashAlgorithm::none,
                             SignatureAlgorithm::anonymous,
                             SignerIdentity{SignerIdentityType::none, HashAlgorithm::none, {}},
                             {}};
constexpr std::string_view kNoSignatureHex = "00 00 03 0000 0000";  // 7 bytes

StoredData stored(StoredDataValue value) { return {0x0102, 60, std::move(value), kNoSignature}; }

}  // namespace

TEST_CASE("6940-7-1: a stored value is length, time, lifetime, value and signature") {
  const StoredData data = stored(DataValue{true, {0xca, 0xfe}});
  const std::string text = "0000001a 0000000000000102 0000003c 01 00000002 cafe" + std::string(kNoSignatureHex);
  CHECK(to_hex(encode_stored(data)) == to_hex(hex(text)));
  CHECK(decode_stored(hex(text), DataModel::single) == data);
  // What a later version adds at the end is skipped by the length.
  CHECK(decode_stored(hex("0000001c" + text.substr(8) + "ffff"), DataModel::single) == data);
  CHECK_FALSE(decode_stored(hex("00000019" + text.substr(8)), DataModel::single).has_value());
}

TEST_CASE("6940-7.2-1 6940-7.2.2-1 6940-7.2.3-1: the three data models, without a tag") {
  CHECK(to_hex(encode_value(DataValue{true, {0xaa}})) ==
        "01"
        "00000001"
        "aa");
  CHECK(to_hex(encode_value(ArrayEntry{5, {false, {}}})) ==
        "00000005"
        "00"
        "00000000");
  CHECK(to_hex(encode_value(DictionaryEntry{{0xab, 0xcd}, {true, {0xaa}}})) ==
        "0002"
        "abcd"
        "01"
        "00000001"
        "aa");
  StoredDataValue value = ArrayEntry{5, {true, {0xaa}}};
  CHECK(model_of(value) == DataModel::array);
  CHECK(data_value(value).exists);
  data_value(value).exists = false;
  CHECK_FALSE(std::get<ArrayEntry>(value).value.exists);
}

TEST_CASE("6940-6.3.1.1-2: a value whose exists is neither 0 nor 1 is refused") {
  const std::string tail = "00000000" + std::string(kNoSignatureHex);
  CHECK(decode_stored(hex("00000018 0000000000000000 00000000 01" + tail), DataModel::single).has_value());
  CHECK_FALSE(decode_stored(hex("00000018 0000000000000000 00000000 02" + tail), DataModel::single).has_value());
}

TEST_CASE("6940-7.4.1.1-1: StoreReq") {
  StoreReq request{kResource, 1, {StoreKindData{kArray, 7, {stored(ArrayEntry{2, {false, {}}})}, {}}}};
  check_wire(request,
             "02 aabb 01 00000030 00000001 0000000000000007 00000020 0000001c 0000000000000102 0000003c 00000002 00 "
             "00000000" +
                 std::string(kNoSignatureHex),
             context_with_models());
}

TEST_CASE("values of a Kind whose model is unknown stay as they came") {
  StoreReq request{kResource, 0, {StoreKindData{kUnknown, 7, {}, {0xde, 0xad}}}};
  check_wire(request, "02 aabb 00 00000012 00000003 0000000000000007 00000002 dead", context_with_models());
  CHECK_FALSE(decode<StoreReq>(hex("02 aabb 00 00000012 00000003 0000000000000007 00000003 dead")).has_value());
  // Without a lookup every Kind is unknown.
  const auto without = decode<StoreReq>(hex("02 aabb 00 00000012 00000000 0000000000000007 00000002 dead"));
  REQUIRE(without.has_value());
  CHECK(to_hex(without->kind_data[0].unknown_values) == "dead");
}

TEST_CASE("6940-7.4.1.2-2 6940-7.4.1.2-5: StoreAns, also as error_info") {
  check_wire(StoreAns{{StoreKindResponse{kSingle, 9, {kNodeA}}}},
             "001e 00000000 0000000000000009 0010" + std::string(kHexA));
  const StoreAns counters{{StoreKindResponse{kSingle, 9, {}}, StoreKindResponse{kArray, 4, {}}}};
  const ErrorResponse error{ErrorCode::generation_counter_too_low, encode(counters)};
  check_wire(error, "0005 001e 001c 00000000 0000000000000009 0000 00000001 0000000000000004 0000");
  CHECK(decode<StoreAns>(decode<ErrorResponse>(encode(error))->info) == counters);
}

TEST_CASE("6940-7.4.1.2-9: error_info of Error_Unknown_Kind is a list of Kinds") {
  check_wire(ErrorResponse{ErrorCode::unknown_kind, encode(std::vector<KindId>{KindId{0x105}})},
             "000c 0005 04 00000105");
}

TEST_CASE("6940-7.4.2.1-1 6940-7.4.2.1-2 6940-7.4.3.1-1: FetchReq and StatReq with each model's specifier") {
  FetchReq request;
  request.resource = kResource;
  request.specifiers = {StoredDataSpecifier{kSingle, 1, SingleSpecifier{}},
                        StoredDataSpecifier{kArray, 2, ArraySpecifier{{ArrayRange{0, kLastArrayIndex}}}},
                        StoredDataSpecifier{kDictionary, 3, DictionarySpecifier{{{0xab}, {}}}},
                        StoredDataSpecifier{kUnknown, 4, UnknownSpecifier{{0xff}}}};
  const std::string_view text =
      "02 aabb 004a"
      "00000000 0000000000000001 0000"
      "00000001 0000000000000002 000a 0008 00000000 ffffffff"
      "00000002 0000000000000003 0007 0005 0001 ab 0000"
      "00000003 0000000000000004 0001 ff";
  check_wire(request, text, context_with_models());
  static_assert(std::same_as<StatReq, FetchReq>);
}

TEST_CASE("a specifier whose ranges are cut is refused; what its length has beyond them is skipped") {
  CHECK_FALSE(decode<FetchReq>(hex("00 0014 00000001 0000000000000002 0006 0004 00000000"), context_with_models()));
  const auto longer = decode<FetchReq>(hex("00 0010 00000000 0000000000000002 0002 abcd"), context_with_models());
  REQUIRE(longer.has_value());
  CHECK(longer->specifiers[0].model == decltype(longer->specifiers[0].model)(SingleSpecifier{}));
}

TEST_CASE("6940-7.4.2.2-1: FetchAns") {
  check_wire(FetchAns{{FetchKindResponse{kDictionary, 7, {stored(DictionaryEntry{{0xab}, {true, {}}})}, {}},
                       FetchKindResponse{kSingle, 0, {}, {}}}},
             "0000003f 00000002 0000000000000007 0000001f 0000001b 0000000000000102 0000003c 0001 ab 01 00000000" +
                 std::string(kNoSignatureHex) + "00000000 0000000000000000 00000000",
             context_with_models());
}

TEST_CASE("6940-7.4.3.2-1 6940-7.4.3.2-2 6940-7.4.3.2-3: StatAns in each data model") {
  const MetaData meta{true, 9, HashAlgorithm::sha256, {0xbe}};
  const std::string meta_text = "01 00000009 04 01 be";  // 8 bytes
  const auto answer = [](KindId kind, MetaDataValue value) {
    return StatAns{{StatKindResponse{kind, 1, {StoredMetaData{0x0102, 60, std::move(value)}}, {}}}};
  };
  check_wire(answer(kSingle, meta),
             "00000028 00000000 0000000000000001 00000018 00000014 0000000000000102 0000003c" + meta_text,
             context_with_models());
  check_wire(answer(kArray, ArrayEntryMeta{3, meta}),
             "0000002c 00000001 0000000000000001 0000001c 00000018 0000000000000102 0000003c 00000003" + meta_text,
             context_with_models());
  check_wire(answer(kDictionary, DictionaryEntryMeta{{0xab}, meta}),
             "0000002b 00000002 0000000000000001 0000001b 00000017 0000000000000102 0000003c 0001 ab" + meta_text,
             context_with_models());
}

TEST_CASE("6940-7.4.4.1-1 6940-7.4.4.2-1: Find") {
  check_wire(FindReq{kResource, {kSingle, kArray}}, "02 aabb 08 00000000 00000001");
  check_wire(FindAns{{FindKindData{kArray, kResource}}}, "0007 00000001 02 aabb");
}

TEST_CASE("6940-9-6: TurnServer") {
  check_wire(TurnServer{3, {AddressType::ipv4, {192, 0, 2, 1}, 3478}}, "03 0106c00002010d96");
}

TEST_CASE("a request for more Kinds than an error answer can name is refused") {
  StoreReq store;
  FetchReq fetch;
  store.kind_data.resize(limits::kMaxKindsPerRequest);
  fetch.specifiers.resize(limits::kMaxKindsPerRequest);
  CHECK(decode<StoreReq>(encode(store), context_with_models()).has_value());
  CHECK(decode<FetchReq>(encode(fetch), context_with_models()).has_value());
  store.kind_data.emplace_back();
  fetch.specifiers.emplace_back();
  CHECK_FALSE(decode<StoreReq>(encode(store), context_with_models()).has_value());
  CHECK_FALSE(decode<FetchReq>(encode(fetch), context_with_models()).has_value());
  CHECK(encode(std::vector<KindId>(limits::kMaxKindsPerRequest)).size() == 1 + 4 * limits::kMaxKindsPerRequest);
}

TEST_CASE("what is decoded takes a small multiple of its bytes") {
  // The smallest element of any list has two bytes (an empty dictionary key), so this bounds them all.
  Bytes bytes = hex("00 ffff 00000002 0000000000000000 fff1 ffef");
  bytes.resize(bytes.size() + 0xffef - 1);
  CHECK_FALSE(decode<FetchReq>(bytes, context_with_models()).has_value());
  bytes = hex("00 fffe 00000002 0000000000000000 fff0 ffee");
  bytes.resize(bytes.size() + 0xffee);
  const auto request = decode<FetchReq>(bytes, context_with_models());
  REQUIRE(request.has_value());
  const auto& keys = std::get<DictionarySpecifier>(request->specifiers[0].model).keys;
  CHECK(keys.size() == 0xffee / 2);
  CHECK(keys.capacity() * sizeof(Bytes) <= 32 * bytes.size());
}

}  // namespace reload::wire
