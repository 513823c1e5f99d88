// Numbers for the requests of storage's parts, one row for all, so that an answer finds the part that asked.
#pragma once

#include "reload/messaging/effects.hpp"

namespace reload::storage {

class TokenSource {
 public:
  [[nodiscard]] std::uint64_t next() { return ++last_; }

 private:
  std::uint64_t last_ = 0;
};

[[nodiscard]] inline messaging::Token token_of(std::uint64_t number) { return {messaging::Owner::storage, number}; }

}  // namespace reload::storage
