#include "certs/user_list.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <map>

#include "reload/base/bytes.hpp"

namespace reload::certs {
namespace {

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

Result<std::string> digest(const EVP_MD* algorithm, std::string_view text) {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), out.data(), &size, algorithm, nullptr) != 1) {
    return failure("OpenSSL refuses MD5 or SHA-256, which SIP's digest authentication needs");
  }
  return to_hex({out.data(), size});
}

Result<UserEntry> parse_line(std::string_view line, std::string_view overlay) {
  const std::size_t comma = line.find(',');
  auto name = canonical_user_name(trimmed(line.substr(0, comma)), overlay);
  if (!name) return tl::unexpected(name.error());
  UserEntry entry{std::move(*name), std::nullopt, 0};
  if (comma != std::string_view::npos) {
    const std::string_view password = line.substr(comma + 1);
    if (password.empty()) return failure("the password of " + entry.name + " is empty: leave out the comma or add one");
    if (password.size() > kMaxPassword) return failure("the password of " + entry.name + " is longer than 256 bytes");
    const auto is_control = [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; };
    if (std::ranges::any_of(password, is_control)) {
      return failure("the password of " + entry.name + " holds a control character");
    }
    entry.password = std::string(password);
  }
  return entry;
}

}  // namespace

bool is_utf8(std::string_view text) {
  const ByteView bytes = as_bytes(text);
  for (std::size_t at = 0; at < bytes.size();) {
    const std::uint8_t first = bytes[at];
    const std::size_t more = first < 0x80 ? 0 : first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    if ((first >= 0x80 && first < 0xc2) || first > 0xf4 || at + more >= bytes.size()) return false;
    for (std::size_t i = 1; i <= more; ++i) {
      if ((bytes[at + i] & 0xc0) != 0x80) return false;
    }
    const std::uint8_t second = more > 0 ? bytes[at + 1] : 0;
    const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
    const bool beyond = (first == 0xed && second >= 0xa0) || (first == 0xf4 && second >= 0x90);  // surrogates, 10ffff
    if (overlong || beyond) return false;
    at += more + 1;
  }
  return true;
}

Result<std::vector<UserEntry>> parse_user_list(std::string_view text, std::string_view overlay) {
  std::vector<UserEntry> users;
  std::map<std::string, std::size_t> line_of;
  std::size_t number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (trimmed(line).empty() || trimmed(line).front() == '#') continue;
    auto user = parse_line(line, overlay);
    if (!user) return failure("line " + std::to_string(number) + ": " + user.error().text);
    const auto [known, fresh] = line_of.emplace(user->name, number);
    if (!fresh) {
      return failure("line " + std::to_string(number) + ": " + user->name + " is already in line " +
                     std::to_string(known->second));
    }
    user->line = number;
    users.push_back(std::move(*user));
  }
  if (users.empty()) return failure("no user in it: expected lines of name[,password]");
  return users;
}

Result<std::string> password_record(const UserEntry& user, std::string_view overlay) {
  if (!user.password) {
    return failure(user.name + " has no password: write name,password in the list, or leave out --passwords");
  }
  const std::string realm(overlay);
  const std::string secret = user.name.substr(0, user.name.find('@')) + ":" + realm + ":" + *user.password;
  const auto md5 = digest(EVP_md5(), secret);
  const auto sha256 = digest(EVP_sha256(), secret);
  if (!md5 || !sha256) return tl::unexpected((md5 ? sha256 : md5).error());
  return user.name + ":" + realm + ":" + *md5 + ":" + *sha256 + "\n";
}

}  // namespace reload::certs
