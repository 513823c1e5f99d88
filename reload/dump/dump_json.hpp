// Wire structures as JSON, for tools, logs of a debugging run and the test vectors: the fields of
// reload/wire/fields.hpp by their RFC names in wire order. Bytes and ids are lower-case hex, code points their names
// (numbers if unknown).
#pragma once

#include <nlohmann/json.hpp>
#include <span>

#include "reload/wire/codec.hpp"

namespace reload::dump {

using Json = nlohmann::ordered_json;

// A structure known by name ("StoreReq", "ForwardingHeader", ...).
struct Structure {
  std::string_view name;
  // Nothing when the bytes are malformed.
  std::optional<Json> (*dump)(ByteView bytes, const wire::CodecContext& context);
  // Decoded and encoded again.
  std::optional<Bytes> (*recode)(ByteView bytes, const wire::CodecContext& context);
};
[[nodiscard]] std::span<const Structure> structures();
[[nodiscard]] const Structure* find_structure(std::string_view name);

// The structure that is the body of a message with this code; null for codes without one.
[[nodiscard]] const Structure* structure_of_body(wire::MessageCode code);

// A whole message or one fragment. What is malformed is said in "fault", with the rest as hex.
[[nodiscard]] Json dump_message(ByteView bytes, const wire::CodecContext& context);

}  // namespace reload::dump
