#include "reload/security/data_signature.hpp"

#include "reload/wire/codec.hpp"
#include "reload/wire/writer.hpp"

namespace reload::security {

Bytes data_signature_input(const ResourceId& resource, KindId kind, std::uint64_t storage_time,
                           const wire::StoredDataValue& value, bool length_byte) {
  wire::Writer input(resource.size() + 64 + wire::data_value(value).value.size());
  input.bytes(length_byte ? wire::encode_resource(resource) : to_bytes(resource.view()));
  input.u32(kind.value);
  input.u64(storage_time);
  if (const auto* entry = std::get_if<wire::ArrayEntry>(&value)) {
    // 6940 7.4.2.2: a writer that appends doesn't know the index, so it is signed as zero.
    input.bytes(wire::encode_value(wire::ArrayEntry{0, entry->value}));
  } else {
    input.bytes(wire::encode_value(value));
  }
  return input.take();
}

SignatureCheck value_check(const ResourceId& resource, KindId kind, const wire::StoredData& data) {
  const Bytes identity = wire::encode(data.signature.identity);
  SignatureCheck check;
  check.signature = data.signature;
  check.input = data_signature_input(resource, kind, data.storage_time, data.value, true);
  check.alternative_input = data_signature_input(resource, kind, data.storage_time, data.value, false);
  append(check.input, identity);
  append(check.alternative_input, identity);
  return check;
}

}  // namespace reload::security
