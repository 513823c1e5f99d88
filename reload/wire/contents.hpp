// 6940 6.3.3: what follows the forwarding header; and the error response.
#pragma once

#include "reload/base/bytes.hpp"
#include "reload/wire/types.hpp"

namespace reload::wire {

struct MessageExtension {
  std::uint16_t type = 0;
  bool critical = false;
  Bytes contents;
  friend bool operator==(const MessageExtension&, const MessageExtension&) = default;
};

struct MessageContents {
  MessageCode code = MessageCode::invalid;
  Bytes body;
  std::vector<MessageExtension> extensions;
  friend bool operator==(const MessageContents&, const MessageContents&) = default;
};

struct ErrorResponse {
  ErrorCode code = ErrorCode::invalid;
  Bytes info;
  friend bool operator==(const ErrorResponse&, const ErrorResponse&) = default;
};

}  // namespace reload::wire
