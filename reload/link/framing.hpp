// The frames of 6940 6.6.2 as bytes, for the sessions of this folder.
#pragma once

#include <optional>

#include "reload/base/bytes.hpp"
#include "reload/wire/frame.hpp"

namespace reload::link {

inline constexpr auto kData = static_cast<std::uint8_t>(wire::FrameType::data);
inline constexpr auto kAck = static_cast<std::uint8_t>(wire::FrameType::ack);

// A data frame up to the end of `head`; `body_size` more bytes follow.
[[nodiscard]] Bytes data_frame_start(std::uint32_t sequence, ByteView head, std::size_t body_size);
[[nodiscard]] Bytes ack_frame(std::uint32_t sequence, std::uint32_t received);
// The length field of a data frame. Precondition: its kDataFrameHeaderSize bytes are there.
[[nodiscard]] std::size_t message_length(ByteView frame);
// How much of a message above max-message-size is needed to answer it: its forwarding header and message code. Nothing
// when it does not begin with a RELOAD header within the limit, as far as can be seen.
[[nodiscard]] std::optional<std::size_t> answerable_head(ByteView message, std::size_t max_message_size);

}  // namespace reload::link
