#include "tests/fuzz/node_bodies.hpp"

#include <array>

#include "reload/connect/candidates.hpp"

namespace reload::fuzz {

using kit::Cast;
using kit::Who;
using wire::MessageCode;

namespace {

constexpr std::array kKinds{wire::kKindSipRegistration,   wire::kKindTurnService, wire::kKindCertificateByNode,
                            wire::kKindCertificateByUser, Cast::kPrivateKind,     KindId{77}};

wire::CodecContext codec() {
  static const config::ConfigPtr config = Cast::get().config();
  return config->codec();
}

std::vector<NodeId> choose_ids(Source& source) {
  std::vector<NodeId> ids(source.below(5));
  for (NodeId& id : ids) id = Cast::get().id(choose_who(source));
  return ids;
}

std::vector<wire::IceCandidate> candidates_of(Who who, Source& source) {
  const std::size_t shape = source.below(8);
  const std::vector addresses(1 + shape % 3, Cast::get().address(shape == 7 ? choose_who(source) : who));
  auto candidates = connect::make_candidates(addresses);
  if (shape == 5) candidates.front().overlay_link = source.u8();
  if (shape == 6) candidates.clear();
  return candidates;
}

Bytes role(std::string_view usual, Source& source) {
  constexpr std::array<std::string_view, 4> kRoles{"", "active", "passive", "actpass"};
  const std::size_t choice = source.below(16);
  return to_bytes(as_bytes(choice < 4 && choice > 0 ? kRoles[choice] : usual));
}

wire::Attach attach(Who who, std::string_view usual_role, Source& source) {
  wire::Attach body;
  body.role = role(usual_role, source);
  body.candidates = candidates_of(who, source);
  body.send_update = source.below(2) == 1;
  return body;
}

wire::AppAttach app_attach(Who who, std::string_view usual_role, Source& source) {
  wire::AppAttach body;
  body.application = source.below(8) == 7 ? wire::kApplicationSips : wire::kApplicationSip;
  body.role = role(usual_role, source);
  body.candidates = candidates_of(who, source);
  return body;
}

wire::StoredData choose_stored(const ResourceId& resource, KindId kind, const BodyContext& context, Source& source) {
  const std::uint8_t shape = source.u8();
  const Who signer = shape % 4 == 3 ? choose_who(source) : context.signer;
  const std::uint64_t age = shape % 8 == 5 ? source.u32() : 0;
  const std::uint32_t lifetime = shape % 16 == 9 ? source.u32() : 60;
  auto data = kit::signed_data(signer, resource, kind, to_wire_ms(context.now.wall) - age, lifetime,
                               choose_value(kind, source));
  if (shape % 32 == 17 && !data.signature.value.empty()) data.signature.value.front() ^= 1;
  if (shape % 32 == 21) data.signature.identity = {};
  return data;
}

wire::StoreReq store(const BodyContext& context, Source& source) {
  wire::StoreReq body;
  body.resource = choose_resource(source);
  body.replica_number = static_cast<std::uint8_t>(source.below(4));
  body.kind_data.resize(1 + source.below(3));
  for (auto& kind : body.kind_data) {
    kind.kind = choose_kind(source);
    kind.generation_counter = source.below(4);
    if (!codec().models->model_of(kind.kind)) {
      kind.unknown_values = to_bytes(source.chunk());
      continue;
    }
    kind.values.resize(source.below(4));
    for (auto& value : kind.values) value = choose_stored(body.resource, kind.kind, context, source);
  }
  return body;
}

wire::FetchReq fetch(Source& source) {
  wire::FetchReq body;
  body.resource = choose_resource(source);
  body.specifiers.resize(1 + source.below(3));
  for (auto& specifier : body.specifiers) specifier = choose_specifier(source);
  return body;
}

wire::UpdateReq update(Source& source) {
  wire::UpdateReq body;
  body.uptime = source.u8();
  body.type = static_cast<wire::ChordUpdateType>(1 + source.below(3));
  if (body.type != wire::ChordUpdateType::peer_ready) {
    body.predecessors = choose_ids(source);
    body.successors = choose_ids(source);
  }
  if (body.type == wire::ChordUpdateType::full) body.fingers = choose_ids(source);
  return body;
}

wire::FetchAns fetched(ByteView request, const BodyContext& context, Source& source) {
  wire::FetchAns answer;
  const auto asked = wire::decode<wire::FetchReq>(request, codec());
  if (!asked) return answer;
  for (const auto& specifier : asked->specifiers) {
    auto& kind = answer.kind_responses.emplace_back();
    kind.kind = source.below(16) == 15 ? choose_kind(source) : specifier.kind;
    kind.generation = source.below(4);
    if (!codec().models->model_of(kind.kind)) continue;
    kind.values.resize(source.below(4));
    for (auto& value : kind.values) value = choose_stored(asked->resource, kind.kind, context, source);
  }
  return answer;
}

wire::StoreAns stored(ByteView request, Source& source) {
  wire::StoreAns answer;
  const auto asked = wire::decode<wire::StoreReq>(request, codec());
  if (!asked) return answer;
  for (const auto& kind : asked->kind_data)
    answer.kind_responses.push_back({kind.kind, kind.generation_counter + source.below(3), choose_ids(source)});
  return answer;
}

}  // namespace

Who choose_who(Source& source) { return static_cast<Who>(source.below(kit::kWhoCount)); }

wire::Destination choose_destination(Source& source) {
  const std::size_t kind = source.below(8);
  if (kind == 5) return choose_resource(source);
  if (kind == 6) {
    const std::uint8_t first = source.u8();
    if (first & 0x80) return wire::OpaqueId{{first, source.u8()}, true};
    return wire::OpaqueId{to_bytes(source.take(first % 20)), false};
  }
  if (kind == 7) {
    if (source.below(2) == 0) return NodeId::wildcard();
    return wire::UnknownDestination{static_cast<std::uint8_t>(4 + source.below(100)), to_bytes(source.take(5))};
  }
  if (kind == 4) return Cast::get().id(choose_who(source));
  return Cast::get().id(Who::node);
}

KindId choose_kind(Source& source) { return kKinds[source.below(kKinds.size())]; }

ResourceId choose_resource(Source& source) {
  const Cast& cast = Cast::get();
  const std::size_t kind = source.below(4);
  const Who who = choose_who(source);
  if (kind == 0) return cast.resource(as_bytes(cast.user(who)));
  if (kind == 1) return cast.resource(cast.id(who).view());
  if (kind == 2) return ResourceId(cast.id(who).view());
  return ResourceId(source.take(source.below(24)));
}

wire::StoredDataValue choose_value(KindId kind, Source& source) {
  const auto model = codec().models->model_of(kind).value_or(wire::DataModel::single);
  const bool exists = source.below(8) != 7;
  const wire::DataValue value{exists, exists ? to_bytes(source.chunk()) : Bytes{}};
  switch (model) {
    case wire::DataModel::single:
      return value;
    case wire::DataModel::array: {
      const std::size_t index = source.below(8);
      return wire::ArrayEntry{index == 7 ? wire::kLastArrayIndex : static_cast<std::uint32_t>(index), value};
    }
    case wire::DataModel::dictionary:
      return wire::DictionaryEntry{to_bytes(Cast::get().id(choose_who(source)).view()), value};
  }
  return value;
}

wire::StoredDataSpecifier choose_specifier(Source& source) {
  wire::StoredDataSpecifier specifier;
  specifier.kind = choose_kind(source);
  specifier.generation = source.below(3);
  const auto model = codec().models->model_of(specifier.kind);
  if (!model) {
    specifier.model = wire::UnknownSpecifier{to_bytes(source.chunk())};
  } else if (*model == wire::DataModel::array) {
    wire::ArraySpecifier ranges;
    ranges.ranges.resize(source.below(3));
    for (auto& range : ranges.ranges) range = {source.u8(), source.below(3) == 2 ? wire::kLastArrayIndex : source.u8()};
    specifier.model = std::move(ranges);
  } else if (*model == wire::DataModel::dictionary) {
    wire::DictionarySpecifier keys;
    keys.keys.resize(source.below(3));
    for (Bytes& key : keys.keys) key = to_bytes(Cast::get().id(choose_who(source)).view());
    specifier.model = std::move(keys);
  }
  return specifier;
}

kit::DocumentSpec choose_document(Source& source) {
  const std::uint8_t shape = source.u8();
  kit::DocumentSpec spec;
  spec.sequence = static_cast<std::uint16_t>(shape % 4);
  spec.bans_quarter = (shape & 4) != 0;
  spec.drops_private_kind = (shape & 8) != 0;
  spec.drops_kind_signer = (shape & 16) != 0;
  spec.other_algorithm = shape % 32 == 31;
  return spec;
}

Bytes request_body(MessageCode code, const BodyContext& context, Source& source) {
  const Cast& cast = Cast::get();
  const auto usual = [&] { return source.below(16) == 15 ? choose_who(source) : context.signer; };
  switch (code) {
    case MessageCode::ping_req:
      return wire::encode(wire::PingReq{to_bytes(source.chunk())});
    case MessageCode::probe_req:
      return wire::encode(wire::ProbeReq{to_bytes(source.chunk())});
    case MessageCode::attach_req:
      return wire::encode(attach(context.signer, "passive", source));
    case MessageCode::app_attach_req:
      return wire::encode(app_attach(context.signer, "passive", source));
    case MessageCode::join_req:
      return wire::encode(wire::JoinReq{cast.id(usual()), to_bytes(source.chunk())});
    case MessageCode::leave_req: {
      wire::LeaveReq body{cast.id(usual()), {}};
      body.chord.type = static_cast<wire::ChordLeaveType>(1 + source.below(2));
      body.chord.nodes = choose_ids(source);
      return wire::encode(body);
    }
    case MessageCode::update_req:
      return wire::encode(update(source));
    case MessageCode::route_query_req:
      return wire::encode(wire::RouteQueryReq{source.below(2) == 1, choose_destination(source), {}});
    case MessageCode::store_req:
      return wire::encode(store(context, source));
    case MessageCode::fetch_req:
    case MessageCode::stat_req:
      return wire::encode(fetch(source));
    case MessageCode::find_req: {
      wire::FindReq body{choose_resource(source), std::vector<KindId>(source.below(4))};
      for (KindId& kind : body.kinds) kind = choose_kind(source);
      return wire::encode(body);
    }
    case MessageCode::config_update_req: {
      wire::ConfigUpdateReq body;
      const auto spec = choose_document(source);
      if (source.below(4) == 3) {
        body.type = wire::ConfigUpdateType::kind;
        const auto* kind = cast.config()->kinds.find(Cast::kPrivateKind);
        body.kinds.push_back(kind->kind_block);
      } else {
        body.config_data = to_bytes(as_bytes(cast.document(spec)));
      }
      return wire::encode(body);
    }
    default:
      return to_bytes(source.chunk());
  }
}

Bytes answer_body(MessageCode request, ByteView asked, const BodyContext& context, Source& source) {
  switch (request) {
    case MessageCode::attach_req:
      return wire::encode(attach(context.signer, "active", source));
    case MessageCode::app_attach_req:
      return wire::encode(app_attach(context.signer, "active", source));
    case MessageCode::ping_req:
      return wire::encode(wire::PingAns{source.u8(), to_wire_ms(context.now.wall)});
    case MessageCode::probe_req: {
      wire::ProbeAns answer;
      answer.probe_info.push_back(
          wire::make_probe_information(static_cast<wire::ProbeInformationType>(1 + source.below(3)), source.u8()));
      return wire::encode(answer);
    }
    case MessageCode::route_query_req:
      return wire::encode(wire::RouteQueryAns{Cast::get().id(choose_who(source))});
    case MessageCode::store_req:
      return wire::encode(stored(asked, source));
    case MessageCode::fetch_req:
      return wire::encode(fetched(asked, context, source));
    case MessageCode::join_req:
      return wire::encode(wire::JoinAns{});
    default:
      return {};  // UpdateAns, LeaveAns and ConfigUpdateAns are empty
  }
}

}  // namespace reload::fuzz
