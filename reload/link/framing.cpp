#include "reload/link/framing.hpp"

#include "reload/wire/reader.hpp"
#include "reload/wire/writer.hpp"

namespace reload::link {

Bytes data_frame_start(std::uint32_t sequence, ByteView head, std::size_t body_size) {
  wire::Writer writer(wire::kDataFrameHeaderSize + head.size());
  writer.u8(kData);
  writer.u32(sequence);
  writer.u24(static_cast<std::uint32_t>(head.size() + body_size));
  writer.bytes(head);
  return writer.take();
}

Bytes ack_frame(std::uint32_t sequence, std::uint32_t received) {
  wire::Writer writer(wire::kAckFrameSize);
  writer.u8(kAck);
  writer.u32(sequence);
  writer.u32(received);
  return writer.take();
}

std::size_t message_length(ByteView frame) {
  wire::Reader reader(frame.subspan(5));
  return reader.u24();
}

std::optional<std::size_t> answerable_head(ByteView message, std::size_t max_message_size) {
  if (message.size() < wire::kForwardingHeaderSize) return std::nullopt;
  wire::Reader token(message);
  if (token.u32() != wire::kReloToken) return std::nullopt;
  wire::Reader lists(message.subspan(wire::kForwardingHeaderSize - 6));
  std::size_t size = wire::kForwardingHeaderSize;
  for (int list = 0; list < 3; ++list) size += lists.u16();
  if (size > max_message_size) return std::nullopt;
  return size + sizeof(wire::MessageCode);
}

}  // namespace reload::link
