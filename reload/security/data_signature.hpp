// 6940 7.1: what a stored value's signature covers.
#pragma once

#include "reload/base/ids.hpp"
#include "reload/security/crypto_job.hpp"
#include "reload/wire/stored_data.hpp"

namespace reload::security {

// resource_id || kind || storage_time || StoredDataValue (array index 0), without the SignerIdentity. With
// `length_byte` the Resource-ID is as encoded (ours, T25), else raw (accepted from others).
[[nodiscard]] Bytes data_signature_input(const ResourceId& resource, KindId kind, std::uint64_t storage_time,
                                         const wire::StoredDataValue& value, bool length_byte = true);

// What is verified for a received value: the input above in both readings, with the signature's SignerIdentity.
[[nodiscard]] SignatureCheck value_check(const ResourceId& resource, KindId kind, const wire::StoredData& data);

}  // namespace reload::security
