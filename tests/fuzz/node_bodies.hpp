// Message bodies that make sense, chosen by the fuzzer's bytes, so that it gets behind the decoders.
#pragma once

#include "tests/fuzz/source.hpp"
#include "tests/kit/letter.hpp"

namespace reload::fuzz {

struct BodyContext {
  kit::Who signer;
  Now now;
};

[[nodiscard]] kit::Who choose_who(Source& source);
[[nodiscard]] wire::Destination choose_destination(Source& source);
[[nodiscard]] KindId choose_kind(Source& source);
[[nodiscard]] ResourceId choose_resource(Source& source);
[[nodiscard]] wire::StoredDataValue choose_value(KindId kind, Source& source);
[[nodiscard]] wire::StoredDataSpecifier choose_specifier(Source& source);
[[nodiscard]] kit::DocumentSpec choose_document(Source& source);

// For a request of any code; what has no sensible body gets raw bytes.
[[nodiscard]] Bytes request_body(wire::MessageCode code, const BodyContext& context, Source& source);
// The body that a request of this code and body wants as its answer.
[[nodiscard]] Bytes answer_body(wire::MessageCode request, ByteView request_body, const BodyContext& context,
                                Source& source);

}  // namespace reload::fuzz
