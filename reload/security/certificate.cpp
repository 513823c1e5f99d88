#include "reload/security/certificate.hpp"

#include <algorithm>

namespace reload::security {

namespace {

constexpr std::string_view kScheme = "reload://";
constexpr std::size_t kNodeDestinationHeader = 2;  // type and length of a Destination

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

bool Certificate::holds(const NodeId& id) const {
  return std::find(node_ids.begin(), node_ids.end(), id) != node_ids.end();
}

bool is_reload_uri(std::string_view uri) {
  return uri.size() >= kScheme.size() && std::equal(kScheme.begin(), kScheme.end(), uri.begin(),
                                                    [](char wanted, char given) { return wanted == lower(given); });
}

std::optional<ReloadUri> parse_reload_uri(std::string_view uri, std::size_t node_id_length) {
  if (!is_reload_uri(uri)) return std::nullopt;
  uri.remove_prefix(kScheme.size());
  if (!uri.empty() && uri.back() == '/') uri.remove_suffix(1);  // T23: the final slash may be missing
  const std::size_t at = uri.find('@');
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view overlay = uri.substr(at + 1);
  if (overlay.empty() || overlay.find_first_of("/@?#") != std::string_view::npos) return std::nullopt;
  const auto bytes = from_hex(uri.substr(0, at));
  if (!bytes) return std::nullopt;

  ByteView id = *bytes;
  if (id.size() == node_id_length + kNodeDestinationHeader) {
    if (id[0] != static_cast<std::uint8_t>(wire::DestinationType::node) || id[1] != node_id_length) return std::nullopt;
    id = id.subspan(kNodeDestinationHeader);
  }
  if (id.size() != node_id_length) return std::nullopt;
  const auto node_id = NodeId::from_bytes(id);
  if (!node_id || node_id->is_zero() || node_id->is_wildcard()) return std::nullopt;
  return ReloadUri{*node_id, std::string(overlay)};
}

std::string make_reload_uri(const NodeId& node_id, std::string_view overlay) {
  Bytes list{static_cast<std::uint8_t>(wire::DestinationType::node), static_cast<std::uint8_t>(node_id.size())};
  append(list, node_id.view());
  std::string uri(kScheme);
  uri += to_hex(list);
  uri += '@';
  uri += overlay;
  uri += '/';
  return uri;
}

}  // namespace reload::security
