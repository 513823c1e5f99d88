// User names as certificates carry them (6940 11.3).
#pragma once

#include <string>
#include <string_view>

#include "reload/base/result.hpp"

namespace reload::config {

// `text` in the form whose bytes are hashed to the Resource-ID (RFC 7904 section 2 and digest 3.1): without scheme,
// host in lower case and without a final dot, user part as it is. A bare user part gets the overlay as its domain.
// Refuses what is not legal both in a SIP user part without escapes and in an rfc822Name (6940 11.3).
[[nodiscard]] Result<std::string> canonical_user_name(std::string_view text, std::string_view overlay);

// Lower-case DNS name, or the failure that says why it is none (6940 11.1: instance-name).
[[nodiscard]] Result<std::string> canonical_domain(std::string_view text);

}  // namespace reload::config
