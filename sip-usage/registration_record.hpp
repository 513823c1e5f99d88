// RFC 7904 section 3.2: the value of the SIP-REGISTRATION Kind.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "reload/wire/destination.hpp"

namespace reload::sip {

// sip_registration_uri: to reach me, resolve this other address.
struct UriRegistration {
  std::string uri;
  friend bool operator==(const UriRegistration&, const UriRegistration&) = default;
};

// sip_registration_route: to reach me, connect to the node at the end of this list.
struct RouteRegistration {
  std::string contact_prefs;
  wire::DestinationList destinations;
  friend bool operator==(const RouteRegistration&, const RouteRegistration&) = default;
};

// A type this version does not know: skipped, not an error ("This type can be extended", T19).
struct UnknownRegistration {
  std::uint8_t type = 0;
  friend bool operator==(const UnknownRegistration&, const UnknownRegistration&) = default;
};

using Registration = std::variant<UriRegistration, RouteRegistration, UnknownRegistration>;

// Preconditions: the value fits (uri 65533 bytes; contact_prefs and list together 65531), a list is not empty, and the
// registration is not an unknown one.
[[nodiscard]] Bytes encode_registration(const Registration& registration);
// Nothing when malformed. Bytes within `length` after the known fields are ignored, bytes after it are not allowed.
[[nodiscard]] std::optional<Registration> decode_registration(ByteView bytes,
                                                              std::size_t node_id_length = NodeId::kMinSize);

// RFC 7904 3.2, 5.1: which scheme the callee wants to be contacted by.
enum class SchemePreference : std::uint8_t { none, sip, sips };
inline constexpr std::string_view kPrefsSip = "(sip.schemes=SIP)";
inline constexpr std::string_view kPrefsSips = "(sip.schemes=SIPS)";
// Reads predicate form and Contact-parameter form (T9); what can't be read is no preference.
[[nodiscard]] SchemePreference scheme_preference(std::string_view contact_prefs);

}  // namespace reload::sip
