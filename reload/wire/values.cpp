// Small helpers that belong to the structures themselves.
#include "reload/wire/probe_messages.hpp"
#include "reload/wire/reader.hpp"
#include "reload/wire/stored_data.hpp"
#include "reload/wire/writer.hpp"

namespace reload::wire {

namespace {

template <class Value>
auto& data_value_of(Value& value) {
  if (auto* single = std::get_if<DataValue>(&value)) return *single;
  if (auto* entry = std::get_if<ArrayEntry>(&value)) return entry->value;
  return std::get<DictionaryEntry>(value).value;
}

}  // namespace

const DataValue& data_value(const StoredDataValue& value) { return data_value_of(value); }
DataValue& data_value(StoredDataValue& value) { return data_value_of(value); }

ProbeInformation make_probe_information(ProbeInformationType type, std::uint32_t value) {
  Writer writer(4);
  writer.u32(value);
  return {static_cast<std::uint8_t>(type), writer.take()};
}

std::optional<std::uint32_t> value_u32(const ProbeInformation& information) {
  Reader reader(information.value);
  const std::uint32_t value = reader.u32();
  if (!reader.finished()) return std::nullopt;
  return value;
}

}  // namespace reload::wire
