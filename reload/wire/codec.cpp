#include "reload/wire/codec.hpp"

#include "reload/wire/decoder.hpp"
#include "reload/wire/encoder.hpp"

namespace reload::wire {

namespace {

// 6940 6.3.2: bits 0x3f000000 are reserved, sent as zero and not looked at; the top bit is always set.
constexpr std::uint32_t sent_fragment(std::uint32_t fragment) {
  return ForwardingHeader::kFragmentAlways |
         (fragment & (ForwardingHeader::kFragmentLast | ForwardingHeader::kOffsetMask));
}
constexpr std::size_t kTokenAt = 0;
constexpr std::size_t kFragmentAt = 12;
constexpr std::size_t kLengthAt = 16;
constexpr std::size_t kListLengthsAt = 32;

template <class T>
Bytes encode_fields(const T& value) {
  Writer writer;
  Encoder encoder(writer);
  encoder("", value);
  return writer.take();
}

template <class T>
std::optional<T> decode_fields(Decoder decoder) {
  std::optional<T> value(std::in_place);
  decoder("", *value);
  if (!decoder.finished()) value.reset();
  return value;
}

std::uint64_t integer_at(ByteView bytes, std::size_t at, std::size_t size) {
  return Reader(bytes.subspan(at)).integer(size);
}

}  // namespace

template <class T>
Bytes encode(const T& value) {
  return encode_fields(value);
}

template <class T>
std::optional<T> decode(ByteView bytes, const CodecContext& context) {
  return decode_fields<T>(Decoder(bytes, context));
}

template <>
Bytes encode(const DestinationList& list) {
  Writer writer;
  for (const Destination& destination : list) write_destination(writer, destination);
  return writer.take();
}

template <>
std::optional<DestinationList> decode(ByteView bytes, const CodecContext& context) {
  Reader reader(bytes);
  DestinationList list;
  while (!reader.at_end() && list.size() < limits::kMaxDestinations) {
    list.push_back(read_destination(reader, context.node_id_length));
  }
  if (!reader.finished()) return std::nullopt;
  return list;
}

template <>
Bytes encode(const ForwardingHeader& header) {
  Bytes bytes = encode_fields(header);
  return bytes;
}

template <>
std::optional<ForwardingHeader> decode(ByteView bytes, const CodecContext& context) {
  return decode_fields<ForwardingHeader>(Decoder(bytes, context));
}

}  // namespace reload::wire
