// 6940 6.3.2.2. The first bit tells the two forms apart: set, it is the two-byte short form of an opaque id.
#include "reload/base/check.hpp"
#include "reload/base/result.hpp"
#include "reload/wire/decoder.hpp"
#include "reload/wire/encoder.hpp"

namespace reload::wire {

namespace {

constexpr std::uint8_t kShortForm = 0x80;

void write_type(Writer& writer, DestinationType type) { writer.u8(static_cast<std::uint8_t>(type)); }

// A resource or opaque id carries its own length byte within the data (T16).
ByteView read_inner(Reader& data) {
  const ByteView inner = data.opaque(Width::u8);
  if (!data.at_end()) data.fail();
  return inner;
}

}  // namespace

void write_destination(Writer& writer, const Destination& destination) {
  std::visit(Overloaded{
                 [&](const NodeId& node) {
                   write_type(writer, DestinationType::node);
                   writer.opaque(Width::u8, node.view());
                 },
                 [&](const ResourceId& resource) {
                   write_type(writer, DestinationType::resource);
                   const auto scope = writer.scope(Width::u8);
                   writer.opaque(Width::u8, resource.view());
                 },
                 [&](const OpaqueId& opaque) {
                   if (opaque.compressed) {
                     RELOAD_CHECK(opaque.bytes.size() == 2 && (opaque.bytes[0] & kShortForm) != 0);
                     writer.bytes(opaque.bytes);
                     return;
                   }
                   write_type(writer, DestinationType::opaque);
                   const auto scope = writer.scope(Width::u8);
                   writer.opaque(Width::u8, opaque.bytes);
                 },
                 [&](const UnknownDestination& unknown) {
                   RELOAD_CHECK(unknown.type != 0 && unknown.type < kShortForm &&
                                !is_known(static_cast<DestinationType>(unknown.type)));
                   writer.u8(unknown.type);
                   writer.opaque(Width::u8, unknown.data);
                 },
             },
             destination);
}

// The all-zero Node-ID is never on the wire (6940 3).
NodeId read_node_id(Reader& reader, std::size_t size) {
  const ByteView bytes = reader.bytes(size);
  if (!reader.ok()) return {};
  const NodeId node(bytes);
  if (node.is_zero()) reader.fail();
  return node;
}

Destination read_destination(Reader& reader, std::size_t node_id_length) {
  const std::uint8_t first = reader.u8();
  if ((first & kShortForm) != 0) return OpaqueId{{first, reader.u8()}, true};
  Reader data = reader.sub(Width::u8);
  Destination destination;
  switch (static_cast<DestinationType>(first)) {
    case DestinationType::node:
      destination = read_node_id(data, node_id_length);
      break;
    case DestinationType::resource:
      destination = ResourceId(read_inner(data));
      break;
    case DestinationType::opaque:
      destination = OpaqueId{to_bytes(read_inner(data)), false};
      break;
    default:
      if (first == 0) reader.fail();
      destination = UnknownDestination{first, to_bytes(data.rest())};
  }
  if (!data.finished()) reader.fail();
  return destination;
}

}  // namespace reload::wire
