// The three parts of a message (6940 6.3), taken apart without copying the body.
#include "reload/wire/decoder.hpp"
#include "reload/wire/encoder.hpp"

namespace reload::wire {

namespace {

// Offsets in the fixed part of the forwarding header (6940 6.3.2).
constexpr std::size_t kFragmentAt = 12;
constexpr std::size_t kLengthAt = 16;
constexpr std::size_t kListLengthsAt = 32;

Reader reader_at(ByteView bytes, std::size_t at) { return Reader(bytes.subspan(at)); }

bool is_error_response(ByteView body) {
  Reader reader(body);
  reader.u16();
  reader.opaque(Width::u16);
  return reader.finished();
}

}  // namespace

HeaderDecode decode_header(ByteView bytes, std::size_t node_id_length) {
  HeaderDecode result;
  const auto refuse = [&](HeaderFault fault) {
    result.fault = fault;
    return result;
  };
  if (bytes.size() < kForwardingHeaderSize) return refuse(HeaderFault::truncated);
  if (reader_at(bytes, 0).u32() != kReloToken) return refuse(HeaderFault::token);
  if ((reader_at(bytes, kFragmentAt).u32() & ForwardingHeader::kFragmentAlways) == 0) {
    return refuse(HeaderFault::fragment);
  }
  Reader lengths = reader_at(bytes, kListLengthsAt);
  result.header_size = kForwardingHeaderSize + lengths.u16();
  result.header_size += lengths.u16();
  result.header_size += lengths.u16();
  if (bytes.size() < result.header_size) return refuse(HeaderFault::truncated);

  CodecContext context;
  context.node_id_length = node_id_length;
  Decoder decoder(bytes.first(result.header_size), context);
  decoder("", result.header);
  if (!decoder.finished()) return refuse(HeaderFault::lists);
  if (result.header.length != bytes.size()) return refuse(HeaderFault::length);
  return result;
}

Bytes encode_header(const ForwardingHeader& header, std::size_t body_size) {
  Writer writer;
  Encoder encoder(writer);
  encoder("", header);
  writer.patch(kLengthAt, writer.size() + body_size, 4);
  return writer.take();
}

std::optional<ParsedBody> parse_body(ByteView bytes) {
  ParsedBody parsed;
  Decoder decoder(bytes, CodecContext{});
  decoder("message_code", parsed.code);
  parsed.body = decoder.reader().opaque(Width::u32);
  decoder("extensions", Width::u32, parsed.extensions, limits::kMaxExtensions);
  parsed.contents_bytes = bytes.first(bytes.size() - decoder.reader().remaining());
  decoder("", parsed.security);
  if (!decoder.finished()) return std::nullopt;
  if (parsed.code == MessageCode::error && !is_error_response(parsed.body)) return std::nullopt;
  return parsed;
}

std::optional<MessageCode> peek_code(ByteView body) {
  Reader reader(body);
  const auto code = static_cast<MessageCode>(reader.u16());
  if (!reader.ok()) return std::nullopt;
  return code;
}

}  // namespace reload::wire
