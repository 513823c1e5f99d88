// Why a request cannot be answered: what goes into the error response, and words for a log.
#pragma once

#include <string>
#include <vector>

#include "reload/base/limits.hpp"
#include "reload/config/kind_registry.hpp"
#include "reload/wire/codec.hpp"

namespace reload::storage {

struct Refusal {
  wire::ErrorCode code = wire::ErrorCode::invalid_message;
  std::string text;
  Bytes info;  // error_info
};

[[nodiscard]] inline tl::unexpected<Refusal> refuse(wire::ErrorCode code, std::string text, Bytes info = {}) {
  return tl::unexpected<Refusal>(Refusal{code, std::move(text), std::move(info)});
}

// 6940 7.4.1.2: the Kinds of a request, each at most once (7.4.1.1, T36) and all of them known.
[[nodiscard]] tl::expected<void, Refusal> check_unique(std::vector<KindId> kinds);
[[nodiscard]] tl::expected<void, Refusal> check_known(const std::vector<KindId>& kinds,
                                                      const config::KindRegistry& registry);

}  // namespace reload::storage
