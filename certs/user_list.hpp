// Lists of users, and the digest records of their SIP passwords.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reload/config/user_name.hpp"

namespace reload::certs {

using config::canonical_domain;
using config::canonical_user_name;

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
