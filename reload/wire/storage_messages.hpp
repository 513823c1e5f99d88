// 6940 7.4: Store, Fetch, Stat and Find.
//
// The layout of a value depends on its Kind's data model, which is not on the wire. Where the model is unknown to the
// decoder the values stay in `unknown_values` as they came, so that the answer can be Error_Unknown_Kind.
#pragma once

#include "reload/base/ids.hpp"
#include "reload/wire/stored_data.hpp"

namespace reload::wire {

struct StoreKindData {
  KindId kind;
  std::uint64_t generation_counter = 0;
  std::vector<StoredData> values;
  Bytes unknown_values;
  friend bool operator==(const StoreKindData&, const StoreKindData&) = default;
};
struct StoreReq {
  ResourceId resource;
  std::uint8_t replica_number = 0;
  std::vector<StoreKindData> kind_data;
  friend bool operator==(const StoreReq&, const StoreReq&) = default;
};
struct StoreKindResponse {
  KindId kind;
  std::uint64_t generation_counter = 0;
  std::vector<NodeId> replicas;
  friend bool operator==(const StoreKindResponse&, const StoreKindResponse&) = default;
};
struct StoreAns {
  std::vector<StoreKindResponse> kind_responses;
  friend bool operator==(const StoreAns&, const StoreAns&) = default;
};

struct ArrayRange {
  std::uint32_t first = 0;
  std::uint32_t last = 0;  // inclusive; 0xffffffff is the last element (T37)
  friend bool operator==(const ArrayRange&, const ArrayRange&) = default;
};
struct SingleSpecifier {
  friend bool operator==(const SingleSpecifier&, const SingleSpecifier&) = default;
};
// Indexed like DataModel; the last alternative is the raw specifier of a Kind whose model is unknown.
struct UnknownSpecifier {
  Bytes bytes;
  friend bool operator==(const UnknownSpecifier&, const UnknownSpecifier&) = default;
};
struct ArraySpecifier {
  std::vector<ArrayRange> ranges;
  friend bool operator==(const ArraySpecifier&, const ArraySpecifier&) = default;
};
struct DictionarySpecifier {
  std::vector<Bytes> keys;  // none: all entries
  friend bool operator==(const DictionarySpecifier&, const DictionarySpecifier&) = default;
};
struct StoredDataSpecifier {
  KindId kind;
  std::uint64_t generation = 0;
  std::variant<SingleSpecifier, ArraySpecifier, DictionarySpecifier, UnknownSpecifier> model;
  friend bool operator==(const StoredDataSpecifier&, const StoredDataSpecifier&) = default;
};
// FetchReq and StatReq have the same fields.
struct FetchReq {
  ResourceId resource;
  std::vector<StoredDataSpecifier> specifiers;
  friend bool operator==(const FetchReq&, const FetchReq&) = default;
};
struct FetchKindResponse {
  KindId kind;
  std::uint64_t generation = 0;
  std::vector<StoredData> values;
  Bytes unknown_values;
  friend bool operator==(const FetchKindResponse&, const FetchKindResponse&) = default;
};
struct FetchAns {
  std::vector<FetchKindResponse> kind_responses;
  friend bool operator==(const FetchAns&, const FetchAns&) = default;
};
using StatReq = FetchReq;
struct StatKindResponse {
  KindId kind;
  std::uint64_t generation = 0;
  std::vector<StoredMetaData> values;
  Bytes unknown_values;
  friend bool operator==(const StatKindResponse&, const StatKindResponse&) = default;
};
struct StatAns {
  std::vector<StatKindResponse> kind_responses;
  friend bool operator==(const StatAns&, const StatAns&) = default;
};

struct FindReq {
  ResourceId resource;
  std::vector<KindId> kinds;
  friend bool operator==(const FindReq&, const FindReq&) = default;
};
struct FindKindData {
  KindId kind;
  ResourceId closest;
  friend bool operator==(const FindKindData&, const FindKindData&) = default;
};
struct FindAns {
  std::vector<FindKindData> results;
  friend bool operator==(const FindAns&, const FindAns&) = default;
};

}  // namespace reload::wire
