#include "sip-usage/registration_record.hpp"

#include "reload/base/check.hpp"
#include "reload/base/result.hpp"
#include "reload/wire/codec.hpp"
#include "reload/wire/reader.hpp"
#include "reload/wire/writer.hpp"
#include "sip-usage/aor.hpp"

namespace reload::sip {

namespace {

constexpr std::uint8_t kUri = 1;
constexpr std::uint8_t kRoute = 2;
constexpr std::size_t kMinDestinationList = 3;

// Calls `found` for each value that the attribute sip.schemes (or, in parameter form, schemes) is compared with. Both
// forms are the attribute's name, '=', and a value up to a closing character; values in quotes are a list.
template <class Found>
void each_scheme(std::string_view text, Found found) {
  constexpr std::string_view kAttribute = "schemes";
  for (std::size_t at = text.find(kAttribute); at != std::string_view::npos; at = text.find(kAttribute, at + 1)) {
    std::string_view rest = text.substr(at + kAttribute.size());
    const auto skip_spaces = [&] { rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size())); };
    skip_spaces();
    if (rest.empty() || rest.front() != '=') continue;
    rest.remove_prefix(1);
    skip_spaces();
    const bool quoted = !rest.empty() && rest.front() == '"';
    if (quoted) rest.remove_prefix(1);
    std::string_view values = rest.substr(0, rest.find_first_of(quoted ? "\"" : ")&|(;"));
    while (!values.empty()) {
      const std::size_t comma = std::min(values.find(','), values.size());
      std::string_view value = values.substr(0, comma);
      while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
      while (!value.empty() && value.back() == ' ') value.remove_suffix(1);
      found(value);
      values.remove_prefix(std::min(comma + 1, values.size()));
    }
  }
}

}  // namespace

Bytes encode_registration(const Registration& registration) {
  wire::Writer writer;
  std::visit(Overloaded{
                 [&](const UriRegistration& uri) {
                   writer.u8(kUri);
                   const auto data = writer.scope(wire::Width::u16);
                   writer.opaque(wire::Width::u16, as_bytes(uri.uri));
                 },
                 [&](const RouteRegistration& route) {
                   const Bytes list = wire::encode(route.destinations);
                   RELOAD_CHECK(list.size() >= kMinDestinationList);
                   writer.u8(kRoute);
                   const auto data = writer.scope(wire::Width::u16);
                   writer.opaque(wire::Width::u16, as_bytes(route.contact_prefs));
                   writer.opaque(wire::Width::u16, list);
                 },
                 [](const UnknownRegistration&) { unreachable(); },
             },
             registration);
  return writer.take();
}

std::optional<Registration> decode_registration(ByteView bytes, std::size_t node_id_length) {
  wire::Reader reader(bytes);
  const std::uint8_t type = reader.u8();
  wire::Reader data = reader.sub(wire::Width::u16);
  if (!reader.finished() || type == 0) return std::nullopt;
  switch (type) {
    case kUri: {
      const ByteView uri = data.opaque(wire::Width::u16);
      if (!data.ok()) return std::nullopt;
      return UriRegistration{std::string(as_text(uri))};
    }
    case kRoute: {
      const ByteView prefs = data.opaque(wire::Width::u16);
      const ByteView list = data.opaque(wire::Width::u16);
      if (!data.ok() || list.size() < kMinDestinationList) return std::nullopt;
      auto destinations = wire::decode<wire::DestinationList>(list, {node_id_length});
      if (!destinations) return std::nullopt;
      return RouteRegistration{std::string(as_text(prefs)), std::move(*destinations)};
    }
    default:
      return UnknownRegistration{type};
  }
}

SchemePreference scheme_preference(std::string_view contact_prefs) {
  bool sip = false;
  bool sips = false;
  each_scheme(lower(contact_prefs), [&](std::string_view value) {
    if (value == "sip") sip = true;
    if (value == "sips") sips = true;
  });
  if (sip == sips) return SchemePreference::none;
  return sips ? SchemePreference::sips : SchemePreference::sip;
}

}  // namespace reload::sip
