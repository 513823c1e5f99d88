// 6940 7.1, 7.2: a stored value in the three data models.
#pragma once

#include <variant>

#include "reload/base/bytes.hpp"
#include "reload/wire/security_block.hpp"

namespace reload::wire {

struct DataValue {
  bool exists = false;
  Bytes value;
  friend bool operator==(const DataValue&, const DataValue&) = default;
};
struct ArrayEntry {
  std::uint32_t index = 0;
  DataValue value;
  friend bool operator==(const ArrayEntry&, const ArrayEntry&) = default;
};
struct DictionaryEntry {
  Bytes key;
  DataValue value;
  friend bool operator==(const DictionaryEntry&, const DictionaryEntry&) = default;
};
// Indexed like DataModel: single, array, dictionary.
using StoredDataValue = std::variant<DataValue, ArrayEntry, DictionaryEntry>;
[[nodiscard]] inline DataModel model_of(const StoredDataValue& value) { return static_cast<DataModel>(value.index()); }
[[nodiscard]] const DataValue& data_value(const StoredDataValue& value);
[[nodiscard]] DataValue& data_value(StoredDataValue& value);

struct StoredData {
  std::uint64_t storage_time = 0;  // ms since 1970, the writer's clock
  std::uint32_t lifetime = 0;      // seconds from receipt
  StoredDataValue value;
  Signature signature;
  friend bool operator==(const StoredData&, const StoredData&) = default;
};

// 6940 7.4.3.2.
struct MetaData {
  bool exists = false;
  std::uint32_t value_length = 0;
  HashAlgorithm hash_algorithm = HashAlgorithm::none;
  Bytes hash_value;
  friend bool operator==(const MetaData&, const MetaData&) = default;
};
struct ArrayEntryMeta {
  std::uint32_t index = 0;
  MetaData value;
  friend bool operator==(const ArrayEntryMeta&, const ArrayEntryMeta&) = default;
};
struct DictionaryEntryMeta {
  Bytes key;
  MetaData value;
  friend bool operator==(const DictionaryEntryMeta&, const DictionaryEntryMeta&) = default;
};
using MetaDataValue = std::variant<MetaData, ArrayEntryMeta, DictionaryEntryMeta>;
struct StoredMetaData {
  std::uint64_t storage_time = 0;
  std::uint32_t lifetime = 0;
  MetaDataValue metadata;
  friend bool operator==(const StoredMetaData&, const StoredMetaData&) = default;
};

}  // namespace reload::wire
