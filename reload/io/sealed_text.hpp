// Encryption at rest: AES-256-GCM with a key of this machine's.
#pragma once

#include <string>

#include "reload/base/bytes.hpp"
#include "reload/base/result.hpp"

namespace reload::io {

inline constexpr std::size_t kSealKeyBytes = 32;

// The key in a file; one that is not there is made, with mode 0600.
[[nodiscard]] Result<Bytes> seal_key(const std::string& path);
// `text` encrypted, bound to `name`: opened under another one it is refused.
[[nodiscard]] Result<Bytes> seal(ByteView key, std::string_view name, std::string_view text);
[[nodiscard]] Result<std::string> open_sealed(ByteView key, std::string_view name, ByteView sealed);

}  // namespace reload::io
