#include "reload/config/user_name.hpp"

#include <algorithm>

#include "reload/base/bytes.hpp"

namespace reload::config {
namespace {

constexpr std::size_t kMaxUserPart = 64;  // RFC 5321 4.5.3.1.1
constexpr std::size_t kMaxDomain = 253;   // RFC 1035 2.3.4, in text form
constexpr std::size_t kMaxLabel = 63;

bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// In RFC 3261's user without escapes and in RFC 5322's atext, so that one spelling serves both; and the dot.
bool is_user_character(char c) {
  return is_alphanumeric(c) || std::string_view("-_.!~*'&=+$?/").find(c) != std::string_view::npos;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text.substr(0, 80)) {
    const bool printable = c >= 0x20 && c < 0x7f;
    out += printable ? std::string(1, c) : "\\x" + to_hex(as_bytes({&c, 1}));
  }
  return out + "\"";
}

std::string_view without_scheme(std::string_view text) {
  for (const std::string_view scheme : {"sip:", "sips:"}) {
    const std::string_view head = text.substr(0, scheme.size());
    if (std::ranges::equal(head, scheme, {}, lower)) return text.substr(scheme.size());
  }
  return text;
}

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= kMaxLabel && label.front() != '-' && label.back() != '-' &&
         std::ranges::all_of(label, [](char c) { return is_alphanumeric(c) || c == '-'; });
}

}  // namespace

Result<std::string> canonical_domain(std::string_view text) {
  std::string domain;
  std::ranges::transform(text, std::back_inserter(domain), lower);
  if (domain.ends_with('.')) domain.pop_back();
  const std::string expected = " is no domain name: expected labels of letters, digits and hyphens with dots between";
  if (domain.empty() || domain.size() > kMaxDomain) return failure(quoted(text) + expected);
  for (std::size_t at = 0; at <= domain.size();) {
    const std::size_t dot = std::min(domain.find('.', at), domain.size());
    if (!is_label(std::string_view(domain).substr(at, dot - at))) return failure(quoted(text) + expected);
    at = dot + 1;
  }
  return domain;
}

Result<std::string> canonical_user_name(std::string_view text, std::string_view overlay) {
  const std::string_view address = without_scheme(text);
  const std::size_t at = address.find('@');
  const std::string_view user = address.substr(0, at);
  const auto refuse = [&](std::string_view why) {
    return failure("bad user name " + quoted(text) + ": " + std::string(why));
  };
  if (user.empty()) return refuse("the part before @ is missing (write user@domain)");
  if (user.size() > kMaxUserPart) return refuse("the part before @ is longer than 64 characters");
  if (!std::ranges::all_of(user, is_user_character)) {
    return refuse("the part before @ may hold letters, digits and -_.!~*'&=+$?/ only");
  }
  if (user.front() == '.' || user.back() == '.' || user.find("..") != std::string_view::npos) {
    return refuse("a dot may not come first, last or twice in a row before @");
  }
  const auto domain = canonical_domain(at == std::string_view::npos ? overlay : address.substr(at + 1));
  if (!domain) return refuse(domain.error().text);
  return std::string(user) + "@" + *domain;
}

}  // namespace reload::config
