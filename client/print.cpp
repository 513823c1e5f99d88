#include "client/print.hpp"

#include <algorithm>
#include <cstdio>

#include "reload/base/result.hpp"

namespace reload::client {

namespace {

std::string in_words(const wire::Destination& destination) {
  return std::visit(Overloaded{
                        [](const NodeId& node) { return node.hex(); },
                        [](const ResourceId& resource) { return "resource:" + resource.hex(); },
                        [](const wire::OpaqueId& opaque) { return "opaque:" + to_hex(opaque.bytes); },
                        [](const wire::UnknownDestination& unknown) {
                          return "type" + std::to_string(unknown.type) + ":" + to_hex(unknown.data);
                        },
                    },
                    destination);
}

std::optional<sip::Registration> registration_in(const overlay::FetchedValue& value, const config::Kind& kind) {
  if (kind.id != wire::kKindSipRegistration || !value.value.exists) return std::nullopt;
  return sip::decode_registration(value.value.bytes, value.signer.size());
}

bool is_text(ByteView bytes) {
  return !bytes.empty() && std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte >= ' ' && byte <= '~'; });
}

std::string scheme_in(const std::string& prefs) { return prefs.empty() ? "" : "  prefs " + printable(prefs); }

}  // namespace

std::string printable(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    if (c >= ' ' && c <= '~') {
      safe += c;
      continue;
    }
    const auto byte = static_cast<std::uint8_t>(c);
    safe += "\\x" + to_hex({&byte, 1});
  }
  return safe;
}

double milliseconds(Duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

std::string in_words(Duration time) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f ms", milliseconds(time));
  return text;
}

std::string in_words(const wire::DestinationList& list) {
  std::string text;
  for (const wire::Destination& entry : list) text += (text.empty() ? "" : " -> ") + in_words(entry);
  return text;
}

Json to_json(const wire::DestinationList& list) {
  Json entries = Json::array();
  for (const wire::Destination& entry : list) entries.push_back(in_words(entry));
  return entries;
}

std::string in_words(const sip::Registration& registration) {
  return std::visit(
      Overloaded{
          [](const sip::UriRegistration& uri) { return "to address " + printable(uri.uri); },
          [](const sip::RouteRegistration& route) {
            return "to node " + in_words(route.destinations) + scheme_in(route.contact_prefs);
          },
          [](const sip::UnknownRegistration& unknown) { return "of unknown type " + std::to_string(unknown.type); },
      },
      registration);
}

Json to_json(const sip::Registration& registration) {
  return std::visit(Overloaded{
                        [](const sip::UriRegistration& uri) {
                          return Json{{"type", "uri"}, {"uri", uri.uri}};
                        },
                        [](const sip::RouteRegistration& route) {
                          return Json{{"type", "route"},
                                      {"destinations", to_json(route.destinations)},
                                      {"contact_prefs", route.contact_prefs}};
                        },
                        [](const sip::UnknownRegistration& unknown) {
                          return Json{{"type", unknown.type}};
                        },
                    },
                    registration);
}

std::string in_words(const overlay::FetchedValue& value, const config::Kind& kind) {
  std::string text;
  if (kind.model == wire::DataModel::array) text += "index " + std::to_string(value.value.index) + "  ";
  if (kind.model == wire::DataModel::dictionary) text += "key " + to_hex(value.value.key) + "  ";
  text += std::to_string(value.lifetime) + " s left\n  signed by node " + value.signer.hex();
  if (!value.signer_user.empty()) text += ", user " + printable(value.signer_user);
  text += "\n  ";
  if (!value.value.exists) return text + "no value\n";
  if (const auto registration = registration_in(value, kind)) return text + in_words(*registration) + "\n";
  if (value.value.bytes.empty()) return text + "(empty)\n";
  text += to_hex(value.value.bytes);
  if (is_text(value.value.bytes)) text += "  \"" + std::string(as_text(value.value.bytes)) + "\"";
  return text + "\n";
}

Json to_json(const overlay::FetchedValue& value, const config::Kind& kind) {
  Json data;
  if (kind.model == wire::DataModel::array) data["index"] = value.value.index;
  if (kind.model == wire::DataModel::dictionary) data["key"] = to_hex(value.value.key);
  data["exists"] = value.value.exists;
  data["lifetime"] = value.lifetime;
  data["storage_time"] = value.storage_time;
  data["signer"] = value.signer.hex();
  data["signer_user"] = value.signer_user;
  data["value"] = to_hex(value.value.bytes);
  if (is_text(value.value.bytes)) data["text"] = as_text(value.value.bytes);
  if (const auto registration = registration_in(value, kind)) data["registration"] = to_json(*registration);
  return data;
}

int print(const Ending& ending, bool json) {
  if (json) {
    // Names from other nodes need not be UTF-8.
    Json data = ending.data;
    if (!ending.error.empty()) data["error"] = ending.error;
    const std::string text = data.dump(2, ' ', false, Json::error_handler_t::replace);
    std::printf("%s\n", text.c_str());
  } else {
    std::fputs(ending.text.c_str(), stdout);
  }
  if (!ending.error.empty()) std::fprintf(stderr, "reload-client: %s\n", ending.error.c_str());
  return static_cast<int>(ending.exit);
}

}  // namespace reload::client
