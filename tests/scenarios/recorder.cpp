#include "tests/scenarios/recorder.hpp"

#include "reload/base/ring.hpp"
#include "reload/config/kind_registry.hpp"
#include "reload/wire/codec.hpp"
#include "reload/wire/frame.hpp"
#include "reload/wire/names.hpp"

namespace reload::scenarios {

namespace {

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.resize(width, ' ');
  return text;
}

// "store" of store_req and store_ans.
std::string kind_of(wire::MessageCode code) {
  const std::string name(wire::name_of(code));
  const std::size_t cut = name.rfind('_');
  return code == wire::MessageCode::error || cut == std::string::npos ? name : name.substr(0, cut);
}

template <class T>
std::optional<T> body_of(const wire::ParsedBody& message) {
  static const config::KindRegistry kinds = config::KindRegistry::with_registered();
  return wire::decode<T>(message.body, {NodeId::kMinSize, &kinds});
}

}  // namespace

std::string Names::of(const NodeId& id) const {
  const auto found = ids.find(id);
  if (found != ids.end()) return found->second;
  return id.is_wildcard() ? "everybody" : "node " + id.hex();
}

std::string Names::of(const ResourceId& id) const {
  if (const auto found = resources.find(id); found != resources.end()) return found->second;
  if (!ring::is_point(id.view())) return "resource " + id.hex();
  const ring::Point point = ring::to_point(id.view());
  for (const auto& [node, name] : ids) {
    const ring::Point away = point - ring::to_point(node.view());
    if (away == 0) return name + "'s own point";
    for (unsigned power = 0; power < 128; ++power)
      if (away == ring::power_of_two(power)) return name + (power == 0 ? "+1" : "+2^" + std::to_string(power));
  }
  return "point " + id.hex().substr(0, 4) + "..";
}

std::string Names::of(const wire::Destination& to) const {
  if (const auto* node = std::get_if<NodeId>(&to)) return of(*node);
  if (const auto* resource = std::get_if<ResourceId>(&to)) return of(*resource);
  return "opaque";
}

std::string Names::of(const std::vector<NodeId>& list) const {
  std::string text;
  for (const NodeId& node : list) text += (text.empty() ? "" : " ") + of(node);
  return text;
}

void Recorder::line(std::size_t from, const char* arrow, std::size_t to, const std::string& what) {
  lines_ += padded(names_.nodes.at(from), 4) + arrow + " " + padded(names_.nodes.at(to), 4) + " " + what + "\n";
}

void Recorder::on_link(Mono, std::size_t from, std::size_t to) {
  if (kinds_.contains("links")) line(from, "==", to, "link");
}

void Recorder::on_send(Mono, std::size_t from, std::size_t to, ByteView head, ByteView body, bool lost) {
  if (head.empty() || head[0] != static_cast<std::uint8_t>(wire::FrameType::data)) return;
  Bytes whole = to_bytes(head.subspan(wire::kDataFrameHeaderSize));
  append(whole, body);
  const auto decoded = wire::decode_header(whole);
  const auto message = wire::parse_body(ByteView(whole).subspan(decoded.header_size));
  if (decoded.fault != wire::HeaderFault::none || !message) return line(from, "->", to, "something malformed");
  if (!kinds_.contains(kind_of(message->code))) return;
  line(from, "->", to, describe(decoded.header, *message) + (lost ? "  (lost)" : ""));
}

std::string Recorder::describe(const wire::ForwardingHeader& header, const wire::ParsedBody& message) const {
  std::string text(wire::name_of(message.code));
  if (wire::is_request(message.code)) {
    text = padded(text, 16) + " to";
    for (const wire::Destination& to : header.destination_list) text += " " + names_.of(to);
  }
  switch (message.code) {
    case wire::MessageCode::store_req:
      if (const auto store = body_of<wire::StoreReq>(message))
        text += ": " + names_.of(store->resource) + ", replica " + std::to_string(store->replica_number) +
                ", counter " + std::to_string(store->kind_data.front().generation_counter) + ", values " +
                std::to_string(store->kind_data.front().values.size());
      break;
    case wire::MessageCode::store_ans:
      if (const auto store = body_of<wire::StoreAns>(message))
        text += ": counter " + std::to_string(store->kind_responses.front().generation_counter) + ", replicas " +
                names_.of(store->kind_responses.front().replicas);
      break;
    case wire::MessageCode::update_req:
      if (const auto update = wire::decode<wire::UpdateReq>(message.body)) {
        text += ": " + std::string(wire::find_name(update->type).value_or("unknown"));
        if (update->type != wire::ChordUpdateType::peer_ready)
          text += ", before it " + names_.of(update->predecessors) + ", behind it " + names_.of(update->successors);
      }
      break;
    case wire::MessageCode::leave_req:
      if (const auto leave = wire::decode<wire::LeaveReq>(message.body))
        text += ": " + std::string(wire::find_name(leave->chord.type).value_or("unknown")) + " " +
                names_.of(leave->chord.nodes);
      break;
    case wire::MessageCode::route_query_ans:
      if (const auto answer = wire::decode<wire::RouteQueryAns>(message.body))
        text += ": next " + names_.of(answer->next_peer);
      break;
    case wire::MessageCode::error:
      if (const auto error = wire::decode<wire::ErrorResponse>(message.body))
        text += ": " + std::string(wire::name_of(error->code));
      break;
    default:
      break;
  }
  return text;
}

}  // namespace reload::scenarios
