#include "sip-usage/aor.hpp"

#include <algorithm>

namespace reload::sip {

namespace {

constexpr std::size_t kMaxName = 512;  // longer than any rfc822Name a certificate carries

char lower_char(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool starts_with_scheme(std::string_view text, std::string_view scheme) {
  return text.size() > scheme.size() && text[scheme.size()] == ':' && lower(text.substr(0, scheme.size())) == scheme;
}

// A host is letters, digits, hyphens and dots, or an IPv6 reference in brackets.
bool is_host(std::string_view host) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    return host.find_first_not_of("0123456789abcdef:.", 1) == host.size() - 1;
  return !host.empty() && host.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-.") == std::string_view::npos &&
         host.front() != '.' && host.find("..") == std::string_view::npos;
}

// A user part that no certificate's rfc822Name could carry, or that would read as another address, is none.
bool is_user(std::string_view user) {
  return !user.empty() && std::none_of(user.begin(), user.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte <= 0x20 || byte == 0x7f || c == '@';
  });
}

// The value of `gr` among URI parameters; RFC 5627's gr without a value is no GRUU of RFC 7904.
std::optional<std::string> find_gr(std::string_view parameters) {
  while (!parameters.empty()) {
    const std::size_t end = std::min(parameters.find(';'), parameters.size());
    const std::string_view parameter = parameters.substr(0, end);
    parameters.remove_prefix(std::min(end + 1, parameters.size()));
    const std::size_t equals = parameter.find('=');
    if (equals != std::string_view::npos && lower(parameter.substr(0, equals)) == "gr" && equals + 1 < parameter.size())
      return std::string(parameter.substr(equals + 1));
  }
  return std::nullopt;
}

std::string_view without_port(std::string_view host) {
  const std::size_t bracket = host.find(']');
  return host.substr(0, host.find(':', bracket == std::string_view::npos ? 0 : bracket));
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char letter = lower_char(c);
  return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

}  // namespace

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) { return lower_char(c); });
  return out;
}

std::optional<std::string> unescape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_digit(text[i + 1]);
    const int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return out;
}

std::string_view Aor::host() const { return std::string_view(name).substr(name.rfind('@') + 1); }
std::string_view Aor::user() const { return std::string_view(name).substr(0, name.rfind('@')); }

std::optional<Aor> parse_aor(std::string_view text) {
  if (text.size() > 2 * kMaxName) return std::nullopt;
  Aor aor;
  const bool sip = starts_with_scheme(text, "sip");
  aor.sips = starts_with_scheme(text, "sips");
  if (sip || aor.sips) text.remove_prefix(aor.sips ? 5 : 4);

  // Parameters may hold an '@', so they start after the host; a user part may hold ';' and '?'.
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view user = text.substr(0, at);
  std::string_view rest = text.substr(at + 1);
  const std::size_t colon = user.find(':');
  if (colon != std::string_view::npos) {
    if (!sip && !aor.sips) return std::nullopt;  // another scheme
    user = user.substr(0, colon);                // what follows is a password
  }
  rest = rest.substr(0, rest.find('?'));
  const std::size_t parameters = rest.find(';');
  if (parameters != std::string_view::npos) {
    aor.gr = find_gr(rest.substr(parameters + 1));
    rest = rest.substr(0, parameters);
  }
  std::string host = lower(without_port(rest));
  if (!host.empty() && host.back() == '.') host.pop_back();
  const std::optional<std::string> decoded = unescape(user);
  if (!decoded || !is_user(*decoded) || !is_host(host)) return std::nullopt;
  aor.name = *decoded + '@' + host;
  if (aor.name.size() > kMaxName) return std::nullopt;
  return aor;
}

bool domain_admissible(std::string_view name, const std::optional<config::DomainRestriction>& restriction,
                       std::string_view overlay_name) {
  const std::size_t at = name.rfind('@');
  if (at == std::string_view::npos || at == 0 || at + 1 == name.size()) return false;
  if (!restriction) return true;
  const std::string host = lower(name.substr(at + 1));
  if (!restriction->enable) return host == lower(overlay_name);
  return std::any_of(restriction->patterns.begin(), restriction->patterns.end(),
                     [&](const config::DomainPattern& pattern) { return pattern.matches(host); });
}

}  // namespace reload::sip
