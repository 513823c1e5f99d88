#include "sip-usage/gruu.hpp"

#include <algorithm>

#include "reload/wire/codec.hpp"
#include "sip-usage/aor.hpp"

namespace reload::sip {

std::string make_gruu(std::string_view name, const wire::DestinationList& destinations) {
  std::string gr = to_base64(wire::encode(destinations));
  std::replace(gr.begin(), gr.end(), '=', '~');
  return std::string(name) + ";gr=" + gr;
}

std::optional<wire::DestinationList> read_gruu(std::string_view gr, std::size_t node_id_length) {
  std::optional<std::string> text = unescape(gr);
  if (!text || text->empty()) return std::nullopt;
  std::replace(text->begin(), text->end(), '~', '=');
  text->append((4 - text->size() % 4) % 4, '=');
  const std::optional<Bytes> bytes = from_base64(*text);
  if (!bytes || bytes->empty()) return std::nullopt;
  if (auto list = wire::decode<wire::DestinationList>(*bytes, {node_id_length})) return list;
  if (bytes->size() != node_id_length) return std::nullopt;
  return wire::DestinationList{NodeId(*bytes)};
}

}  // namespace reload::sip
