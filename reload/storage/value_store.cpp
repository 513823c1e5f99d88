#include "reload/storage/value_store.hpp"

#include "reload/wire/codec.hpp"
#include "reload/wire/reader.hpp"
#include "reload/wire/writer.hpp"

namespace reload::storage {

Bytes slot_of(const wire::StoredDataValue& value) {
  if (const auto* entry = std::get_if<wire::ArrayEntry>(&value)) {
    wire::Writer writer(4);
    writer.u32(entry->index);
    return writer.take();
  }
  if (const auto* entry = std::get_if<wire::DictionaryEntry>(&value)) return entry->key;
  return {};
}

std::uint32_t remaining_lifetime(const StoredValue& value, Wall now) {
  const auto left = std::chrono::duration_cast<std::chrono::seconds>(value.expires() - now).count();
  if (left <= 0) return 0;
  // A clock set back does not make a value live longer than its writer wanted.
  return static_cast<std::uint32_t>(std::min<std::int64_t>(left, value.data.lifetime));
}

Bytes encode_record(const StoredValue& value) {
  const Bytes data = wire::encode_stored(value.data);
  wire::Writer writer(data.size() + 41);
  writer.u8(static_cast<std::uint8_t>(wire::model_of(value.data.value)));
  writer.u64(static_cast<std::uint64_t>(value.received_at.time_since_epoch().count()));
  writer.bytes(value.certificate_hash);
  writer.bytes(data);
  return writer.take();
}

std::optional<StoredValue> decode_record(ByteView record) {
  wire::Reader reader(record);
  const std::uint64_t model = reader.integer(1);
  StoredValue value;
  value.received_at = Wall(Duration(static_cast<std::int64_t>(reader.integer(8))));
  const ByteView hash = reader.bytes(value.certificate_hash.size());
  if (!reader.ok() || model > static_cast<std::uint64_t>(wire::DataModel::dictionary)) return std::nullopt;
  std::copy(hash.begin(), hash.end(), value.certificate_hash.begin());
  auto data = wire::decode_stored(reader.rest(), static_cast<wire::DataModel>(model));
  if (!data) return std::nullopt;
  value.data = std::move(*data);
  return value;
}

}  // namespace reload::storage
