// User names as certificates carry them, lists of users, and the digest records of their SIP passwords.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reload/base/result.hpp"

namespace reload::certs {

// `text` in the form whose bytes are hashed to the Resource-ID (RFC 7904 section 2 and digest 3.1): without scheme,
// host in lower case and without a final dot, user part as it is. A bare user part gets the overlay as its domain.
// Refuses what is not legal both in a SIP user part without escapes and in an rfc822Name (6940 11.3).
[[nodiscard]] Result<std::string> canonical_user_name(std::string_view text, std::string_view overlay);

// Lower-case DNS name, or the failure that says why it is none (6940 11.1: instance-name).
[[nodiscard]] Result<std::string> canonical_domain(std::string_view text);

inline constexpr std::size_t kMaxPassword = 256;  // bytes

[[nodiscard]] bool is_utf8(std::string_view text);  // RFC 3629

struct UserEntry {
  std::string name;                     // canonical
  std::optional<std::string> password;  // everything behind the first comma
  std::size_t line = 0;                 // where it stands in the list
};

// One user a line: name[,password]. Empty lines and lines that start with # are skipped; a name may occur once.
[[nodiscard]] Result<std::vector<UserEntry>> parse_user_list(std::string_view text, std::string_view overlay);

// `user@domain:realm:HA1-MD5:HA1-SHA256` (RFC 7616 3.4.2), which checks a password and does not tell it. The digest's
// user name is the user part, its realm the overlay's name.
[[nodiscard]] Result<std::string> password_record(const UserEntry& user, std::string_view overlay);

}  // namespace reload::certs
