// RFC 7904 sections 2, 3.4 and 7: addresses of record as Resource Names, and which domains may have them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "reload/config/kind.hpp"

namespace reload::sip {

// An address of this kind: user@host, without scheme, the user part unescaped, the host in lower case. It equals the
// rfc822Name of the user's certificate, and its octets are what is hashed to the Resource-ID.
struct Aor {
  std::string name;
  bool sips = false;              // the URI said sips: it must not be reached over a plain SIP connection
  std::optional<std::string> gr;  // the value of a gr parameter, when it has one (section 6)

  [[nodiscard]] std::string_view host() const;
  [[nodiscard]] std::string_view user() const;
};

// Reads `text` with or without a sip or sips scheme. Nothing when it is a URI of another scheme, or has no user or
// host: such an address is external to RELOAD.
[[nodiscard]] std::optional<Aor> parse_aor(std::string_view text);

// Section 3.4 over the Kind's restriction, readings T7 and T8: absent, every domain; not enabled, the overlay's own
// name; enabled, what a pattern matches. `name` is an Aor's name; one without user and host is never admissible.
[[nodiscard]] bool domain_admissible(std::string_view name, const std::optional<config::DomainRestriction>& restriction,
                                     std::string_view overlay_name);

// Text in lower case, ASCII only.
[[nodiscard]] std::string lower(std::string_view text);
// Decodes %-escapes once; nothing when one is malformed.
[[nodiscard]] std::optional<std::string> unescape(std::string_view text);

}  // namespace reload::sip
