#include <algorithm>
#include <charconv>

#include "client/commands.hpp"

namespace reload::client {

namespace {

std::string name_of(const config::Kind& kind) { return kind.name.empty() ? std::to_string(kind.id.value) : kind.name; }

std::optional<std::uint32_t> parse_number(std::string_view text) {
  const bool hex = text.starts_with("0x");
  if (hex) text.remove_prefix(2);
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, hex ? 16 : 10);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

Result<wire::Destination> destination_of(const Session& session, const std::string& text) {
  if (const auto node = NodeId::parse_hex(text)) {
    if (*node == NodeId()) return failure(text + " is no node's: this Node-ID is reserved");
    return wire::Destination(*node);
  }
  const auto name = resource_name(text);
  if (!name) return tl::unexpected(name.error());
  return wire::Destination(session.node().resource(*name));
}

Json heading(const Session& session, const std::string& text, const std::string& name, const config::Kind& kind) {
  return Json{{"name", text},
              {"resource", session.node().resource(name).hex()},
              {"kind", kind.name},
              {"kind_id", kind.id.value}};
}

Result<std::string> resource_name(const std::string& text) {
  constexpr std::string_view kNode = "node:";
  if (text.empty()) return failure("NAME is empty: write a Resource Name, such as alice@demo.example");
  if (!text.starts_with(kNode)) return text;
  const auto node = NodeId::parse_hex(std::string_view(text).substr(kNode.size()));
  if (!node) return failure(text + ": after node: come the 32 hexadecimal digits of a Node-ID");
  return std::string(as_text(node->view()));
}

Result<config::Kind> kind_of(const Session& session, const std::string& text) {
  const config::KindRegistry& kinds = session.node().config().kinds;
  std::string upper = text;
  std::ranges::transform(upper, upper.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  const auto number = parse_number(text);
  const config::Kind* found = number ? kinds.find(KindId{*number}) : kinds.find_name(upper);
  if (found == nullptr && !number) found = kinds.find_name(text);
  if (found != nullptr) return *found;
  std::string known;
  for (const auto& [id, kind] : kinds) known += (known.empty() ? "" : ", ") + name_of(kind);
  return failure("--kind " + text + ": the overlay has no such Kind; it has " + known);
}

std::string store_cure(wire::ErrorCode code, const config::Kind& kind, const std::string& signer) {
  switch (code) {
    case wire::ErrorCode::forbidden:
      return "the access policy of " + name_of(kind) + ", " + std::string(config::name_of(kind.policy)) +
             ", does not let " + signer + " write there; name with --user-credential who may";
    case wire::ErrorCode::unknown_kind:
      return "the responsible peer does not know " + name_of(kind) + ": is its configuration document older?";
    case wire::ErrorCode::data_too_large:
      return "the overlay takes at most " + std::to_string(kind.max_size) + " bytes a value and " +
             std::to_string(kind.max_count) + " values of " + name_of(kind);
    case wire::ErrorCode::data_too_old:
      return "a value of a later time is stored there: is this machine's clock right?";
    case wire::ErrorCode::generation_counter_too_low:
      return "another Store came between; try again";
    default:
      return {};
  }
}

}  // namespace reload::client
