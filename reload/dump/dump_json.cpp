#include "reload/dump/dump_json.hpp"

#include "reload/base/check.hpp"
#include "reload/dump/json_fields.hpp"

namespace reload::dump {

Json destination_json(const wire::Destination& destination) {
  return std::visit(Overloaded{
                        [](const NodeId& node) {
                          return Json{{"type", "node"}, {"node_id", node.hex()}};
                        },
                        [](const ResourceId& id) {
                          return Json{{"type", "resource"}, {"resource_id", id.hex()}};
                        },
                        [](const wire::OpaqueId& opaque) {
                          if (opaque.compressed) return Json{{"compressed_id", to_hex(opaque.bytes)}};
                          return Json{{"type", "opaque_id_type"}, {"opaque_id", to_hex(opaque.bytes)}};
                        },
                        [](const wire::UnknownDestination& unknown) {
                          return Json{{"type", unknown.type}, {"data", to_hex(unknown.data)}};
                        },
                    },
                    destination);
}

namespace {

template <class T>
constexpr Structure structure(std::string_view name) {
  return {name,
          [](ByteView bytes, const wire::CodecContext& context) -> std::optional<Json> {
            const std::optional<T> value = wire::decode<T>(bytes, context);
            if (!value) return std::nullopt;
            return JsonFields::to_json(*value);
          },
          [](ByteView bytes, const wire::CodecContext& context) -> std::optional<Bytes> {
            const std::optional<T> value = wire::decode<T>(bytes, context);
            if (!value) return std::nullopt;
            return wire::encode(*value);
          }};
}

constexpr Structure kStructures[] = {
    structure<wire::ForwardingHeader>("ForwardingHeader"),
    structure<wire::Destination>("Destination"),
    structure<wire::DestinationList>("DestinationList"),
    structure<wire::IpAddressPort>("IpAddressPort"),
    structure<wire::ErrorResponse>("ErrorResponse"),
    structure<wire::SignerIdentity>("SignerIdentity"),
    structure<wire::Signature>("Signature"),
    structure<wire::SecurityBlock>("SecurityBlock"),
    structure<wire::GenericCertificate>("GenericCertificate"),
    structure<wire::MessageContents>("MessageContents"),
    structure<wire::Attach>("Attach"),
    structure<wire::AppAttach>("AppAttach"),
    structure<wire::ProbeReq>("ProbeReq"),
    structure<wire::ProbeAns>("ProbeAns"),
    structure<wire::PingReq>("PingReq"),
    structure<wire::PingAns>("PingAns"),
    structure<wire::RouteQueryReq>("RouteQueryReq"),
    structure<wire::RouteQueryAns>("RouteQueryAns"),
    structure<wire::ConfigUpdateReq>("ConfigUpdateReq"),
    structure<wire::ConfigUpdateAns>("ConfigUpdateAns"),
    structure<wire::JoinReq>("JoinReq"),
    structure<wire::JoinAns>("JoinAns"),
    structure<wire::LeaveReq>("LeaveReq"),
    structure<wire::LeaveAns>("LeaveAns"),
    structure<wire::UpdateReq>("UpdateReq"),
    structure<wire::UpdateAns>("UpdateAns"),
    structure<wire::StoreReq>("StoreReq"),
    structure<wire::StoreAns>("StoreAns"),
    structure<wire::FetchReq>("FetchReq"),
    structure<wire::FetchAns>("FetchAns"),
    structure<wire::StatReq>("StatReq"),
    structure<wire::StatAns>("StatAns"),
    structure<wire::FindReq>("FindReq"),
    structure<wire::FindAns>("FindAns"),
    structure<wire::TurnServer>("TurnServer"),
    structure<wire::DataFrame>("DataFrame"),
    structure<wire::AckFrame>("AckFrame"),
    structure<std::vector<KindId>>("UnknownKinds"),
};

std::string_view body_name(wire::MessageCode code) {
  using enum wire::MessageCode;
  switch (code) {
    case probe_req:
      return "ProbeReq";
    case probe_ans:
      return "ProbeAns";
    case attach_req:
    case attach_ans:
      return "Attach";
    case store_req:
      return "StoreReq";
    case store_ans:
      return "StoreAns";
    case fetch_req:
      return "FetchReq";
    case fetch_ans:
      return "FetchAns";
    case find_req:
      return "FindReq";
    case find_ans:
      return "FindAns";
    case join_req:
      return "JoinReq";
    case join_ans:
      return "JoinAns";
    case leave_req:
      return "LeaveReq";
    case leave_ans:
      return "LeaveAns";
    case update_req:
      return "UpdateReq";
    case update_ans:
      return "UpdateAns";
    case route_query_req:
      return "RouteQueryReq";
    case route_query_ans:
      return "RouteQueryAns";
    case ping_req:
      return "PingReq";
    case ping_ans:
      return "PingAns";
    case stat_req:
      return "StatReq";
    case stat_ans:
      return "StatAns";
    case app_attach_req:
    case app_attach_ans:
      return "AppAttach";
    case config_update_req:
      return "ConfigUpdateReq";
    case config_update_ans:
      return "ConfigUpdateAns";
    case error:
      return "ErrorResponse";
    default:
      return {};
  }
}

Json body_json(wire::MessageCode code, ByteView body, const wire::CodecContext& context) {
  const Structure* structure = structure_of_body(code);
  if (structure == nullptr) return to_hex(body);
  if (std::optional<Json> json = structure->dump(body, context)) return *std::move(json);
  return Json{{"fault", "malformed"}, {"bytes", to_hex(body)}};
}

std::string_view name_of(wire::HeaderFault fault) {
  switch (fault) {
    case wire::HeaderFault::none:
      return "none";
    case wire::HeaderFault::truncated:
      return "truncated";
    case wire::HeaderFault::token:
      return "relo_token";
    case wire::HeaderFault::lists:
      return "lists";
    case wire::HeaderFault::fragment:
      return "fragment";
    case wire::HeaderFault::length:
      return "length";
  }
  unreachable();
}

}  // namespace

std::span<const Structure> structures() { return kStructures; }

const Structure* find_structure(std::string_view name) {
  for (const Structure& structure : kStructures) {
    if (structure.name == name) return &structure;
  }
  return nullptr;
}

const Structure* structure_of_body(wire::MessageCode code) { return find_structure(body_name(code)); }

Json dump_message(ByteView bytes, const wire::CodecContext& context) {
  const wire::HeaderDecode header = wire::decode_header(bytes, context.node_id_length);
  if (header.fault != wire::HeaderFault::none) return {{"fault", name_of(header.fault)}, {"bytes", to_hex(bytes)}};
  Json json = {{"forwarding_header", JsonFields::to_json(header.header)}};
  const ByteView rest = bytes.subspan(header.header_size);
  if (!header.header.is_whole()) {
    json["fragment"] = to_hex(rest);
    return json;
  }
  const std::optional<wire::ParsedBody> body = wire::parse_body(rest);
  if (!body) {
    json["fault"] = "contents";
    json["bytes"] = to_hex(rest);
    return json;
  }
  Json& contents = json["message_contents"];
  contents["message_code"] = JsonFields::to_json(body->code);
  contents["message_body"] = body_json(body->code, body->body, context);
  JsonFields fields(contents);
  fields("extensions", wire::Width::u32, body->extensions, wire::kNoMax);
  json["security_block"] = JsonFields::to_json(body->security);
  return json;
}

}  // namespace reload::dump
