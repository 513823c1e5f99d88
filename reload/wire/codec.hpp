// Encode and decode for every structure of 6940 sections 6, 7, 9 and 10.
//
//   Bytes bytes = encode(store_req);
//   std::optional<StoreReq> req = decode<StoreReq>(view, context);   // nullopt: malformed; all bytes must be used up
//
// Nothing is read out of bounds whatever the input; a list's bytes bound its memory.
#pragma once

#include <optional>

#include "reload/base/bytes.hpp"
#include "reload/wire/attach_messages.hpp"
#include "reload/wire/config_messages.hpp"
#include "reload/wire/contents.hpp"
#include "reload/wire/destination.hpp"
#include "reload/wire/forwarding_header.hpp"
#include "reload/wire/frame.hpp"
#include "reload/wire/join_messages.hpp"
#include "reload/wire/probe_messages.hpp"
#include "reload/wire/security_block.hpp"
#include "reload/wire/storage_messages.hpp"
#include "reload/wire/turn_service.hpp"

namespace reload::wire {

// Says the data model of a Kind, or that it is unknown. Implemented by config/kind_registry and by tests.
class ModelLookup {
 public:
  virtual ~ModelLookup() = default;
  [[nodiscard]] virtual std::optional<DataModel> model_of(KindId kind) const = 0;
};

// What a decoder must know beyond the bytes.
struct CodecContext {
  std::size_t node_id_length = NodeId::kMinSize;
  const ModelLookup* models = nullptr;  // null: every Kind's values stay unknown
};

// Instantiated in codec.cpp for: ForwardingHeader, Destination, DestinationList (without outer length),
// IpAddressPort, ErrorResponse, SignerIdentity, Signature, SecurityBlock, GenericCertificate, MessageContents,
// Attach, AppAttach, ProbeReq, ProbeAns, PingReq, PingAns, RouteQueryReq, RouteQueryAns, ConfigUpdateReq,
// ConfigUpdateAns, JoinReq, JoinAns, LeaveReq, LeaveAns, UpdateReq, UpdateAns, StoreReq, StoreAns, FetchReq, FetchAns,
// StatAns, FindReq, FindAns, TurnServer, DataFrame, AckFrame, std::vector<KindId> as vec8 (Error_Unknown_Kind's info).
template <class T>
[[nodiscard]] Bytes encode(const T& value);
template <class T>
[[nodiscard]] std::optional<T> decode(ByteView bytes, const CodecContext& context = {});

// A StoredDataValue alone, as it is signed (6940 7.1) and kept in a value store.
[[nodiscard]] Bytes encode_value(const StoredDataValue& value);
// A StoredData alone, including its length field, and back.
[[nodiscard]] Bytes encode_stored(const StoredData& data);
[[nodiscard]] std::optional<StoredData> decode_stored(ByteView bytes, DataModel model);
[[nodiscard]] Bytes encode_resource(const ResourceId& resource);  // with its length byte

// Decode only the header at the start of `bytes`, a whole message or fragment; the body is what follows `header_size`.
// Checks 6940 6.3.2: token, sizes, list syntax, the fragment bit, and that `length` is that of `bytes` (the header is
// filled in when only that is wrong). Does not check version, overlay, ttl: that is forwarding's.
enum class HeaderFault : std::uint8_t { none, truncated, token, lists, fragment, length };
struct HeaderDecode {
  HeaderFault fault = HeaderFault::none;
  ForwardingHeader header;
  std::size_t header_size = 0;
};
[[nodiscard]] HeaderDecode decode_header(ByteView bytes, std::size_t node_id_length = NodeId::kMinSize);
// Header bytes with `length` set for a body of `body_size` bytes.
[[nodiscard]] Bytes encode_header(const ForwardingHeader& header, std::size_t body_size);

// MessageContents and SecurityBlock as views into the message, in one pass: the body is not copied, and
// `contents_bytes` is what the signature covers (6940 6.3.4). Malformed too when code `error` comes with a body that is
// not exactly one ErrorResponse (6940 6.3.3.1).
struct ParsedBody {
  MessageCode code = MessageCode::invalid;
  ByteView body;
  std::vector<MessageExtension> extensions;
  ByteView contents_bytes;
  SecurityBlock security;
};
[[nodiscard]] std::optional<ParsedBody> parse_body(ByteView bytes);
// The code alone, from the first two bytes; for errors made on the way (T2).
[[nodiscard]] std::optional<MessageCode> peek_code(ByteView body);

}  // namespace reload::wire
