// stat, find and probe: what peers tell of what they hold and of themselves. Nobody signs for it but the peer that
// tells.
#include <algorithm>

#include "client/commands.hpp"
#include "client/print.hpp"
#include "reload/wire/names.hpp"

namespace reload::client {

namespace {

const wire::MetaData& meta_data(const wire::StoredMetaData& stored) {
  return std::visit(Overloaded{[](const wire::MetaData& value) -> const wire::MetaData& { return value; },
                               [](const auto& entry) -> const wire::MetaData& { return entry.value; }},
                    stored.metadata);
}

Json to_json(const wire::StoredMetaData& stored) {
  Json data;
  if (const auto* entry = std::get_if<wire::ArrayEntryMeta>(&stored.metadata)) data["index"] = entry->index;
  if (const auto* entry = std::get_if<wire::DictionaryEntryMeta>(&stored.metadata)) data["key"] = to_hex(entry->key);
  const wire::MetaData& value = meta_data(stored);
  data["length"] = value.value_length;
  data["lifetime"] = stored.lifetime;
  data["storage_time"] = stored.storage_time;
  data["hash_algorithm"] = wire::find_name(value.hash_algorithm).value_or("unknown");
  data["hash"] = to_hex(value.hash_value);
  return data;
}

std::string in_words(const wire::StoredMetaData& stored) {
  std::string text;
  if (const auto* entry = std::get_if<wire::ArrayEntryMeta>(&stored.metadata))
    text += "index " + std::to_string(entry->index) + "  ";
  if (const auto* entry = std::get_if<wire::DictionaryEntryMeta>(&stored.metadata))
    text += "key " + to_hex(entry->key) + "  ";
  const wire::MetaData& value = meta_data(stored);
  return text + std::to_string(value.value_length) + " bytes  " + std::to_string(stored.lifetime) + " s left\n  " +
         std::string(wire::find_name(value.hash_algorithm).value_or("unknown")) + " " + to_hex(value.hash_value) + "\n";
}

Ending nothing_found(Json data, std::string error) {
  Ending ending{Exit::failed, std::move(data), {}, std::move(error)};
  ending.data["code"] = wire::name_of(wire::ErrorCode::not_found);
  return ending;
}

void end_stat(Session& session, Json data, const std::string& text, const config::Kind& kind,
              const overlay::Outcome<node::StatDone>& outcome) {
  if (!outcome && outcome.error().code != wire::ErrorCode::not_found)
    return session.end(outcome.error(), store_cure(outcome.error().code, kind, {}));
  Ending ending;
  data["values"] = Json::array();
  if (outcome) {
    data["responder"] = outcome->responder.hex();
    for (const wire::StatKindResponse& response : outcome->answer.kind_responses)
      for (const wire::StoredMetaData& value : response.values) {
        if (!meta_data(value).exists) continue;
        data["values"].push_back(to_json(value));
        ending.text += in_words(value);
      }
  }
  if (ending.text.empty())
    return session.end(nothing_found(std::move(data), "nothing of Kind " + kind.name + " is stored under " + text));
  ending.data = std::move(data);
  session.end(std::move(ending));
}

void end_find(Session& session, Json data, const overlay::Outcome<node::FindDone>& outcome) {
  if (!outcome) return session.end(outcome.error(), {});
  const std::string responder = outcome->responder.hex();
  data["responder"] = responder;
  data["kinds"] = Json::array();
  bool any = false;
  std::string text;
  for (const wire::FindKindData& result : outcome->answer.results) {
    const config::Kind* kind = session.node().config().kinds.find(result.kind);
    const std::string name = kind != nullptr ? kind->name : std::to_string(result.kind.value);
    // 6940 7.4.4: all zero where the peer holds nothing of the Kind.
    const bool found = std::ranges::any_of(result.closest.view(), [](std::uint8_t byte) { return byte != 0; });
    Json entry{{"kind", name}, {"kind_id", result.kind.value}};
    entry["closest"] = found ? Json(result.closest.hex()) : Json(nullptr);
    data["kinds"].push_back(std::move(entry));
    text += name + "  " + (found ? "resource:" + result.closest.hex() : "nothing") + "\n";
    any = any || found;
  }
  if (!any) return session.end(nothing_found(std::move(data), "peer " + responder + " holds nothing of these Kinds"));
  session.end({Exit::ok, std::move(data), std::move(text), {}});
}

void end_probe(Session& session, const overlay::Outcome<node::ProbeDone>& outcome) {
  if (!outcome) return session.end(outcome.error(), {});
  Ending ending;
  ending.data["responder"] = outcome->responder.hex();
  ending.text = outcome->responder.hex() + "\n";
  for (const wire::ProbeInformation& information : outcome->answer.probe_info) {
    const auto value = wire::value_u32(information);
    if (!value) continue;
    switch (static_cast<wire::ProbeInformationType>(information.type)) {
      case wire::ProbeInformationType::responsible_set:
        ending.data["responsible_ppb"] = *value;
        ending.text += "  in charge of " + std::to_string(*value) + " billionths of the overlay\n";
        break;
      case wire::ProbeInformationType::num_resources:
        ending.data["resources"] = *value;
        ending.text += "  " + std::to_string(*value) + " resources\n";
        break;
      case wire::ProbeInformationType::uptime:
        ending.data["uptime_s"] = *value;
        ending.text += "  up for " + std::to_string(*value) + " s\n";
        break;
      default:
        break;
    }
  }
  session.end(std::move(ending));
}

// Where a Find starts: a name, or a Resource-ID as one before it has told.
Result<ResourceId> start_of(const Session& session, const std::string& text) {
  constexpr std::string_view kResource = "resource:";
  if (text.starts_with(kResource)) {
    auto bytes = from_hex(std::string_view(text).substr(kResource.size()));
    if (!bytes || bytes->size() != NodeId::kMinSize)
      return failure(text + ": after resource: come the 32 hexadecimal digits of a Resource-ID");
    return ResourceId(std::move(*bytes));
  }
  const auto name = resource_name(text);
  if (!name) return tl::unexpected(name.error());
  return session.node().resource(*name);
}

}  // namespace

Result<Action> prepare(Session& session, const StatOptions& options) {
  const auto request = fetch_request(session, options);
  if (!request) return tl::unexpected(request.error());
  const config::Kind kind = *kind_of(session, options.kind);
  return [&session, request = *request, kind, text = options.name] {
    session.overlay().stat(request, [&session, request, kind, text](const auto& outcome) {
      end_stat(session, heading(session, text, request.name, kind), text, kind, outcome);
    });
  };
}

Result<Action> prepare(Session& session, const FindOptions& options) {
  const auto from = start_of(session, options.from);
  if (!from) return tl::unexpected(from.error());
  wire::FindReq request{*from, {}};
  for (const std::string& text : options.kinds) {
    const auto kind = kind_of(session, text);
    if (!kind) return tl::unexpected(kind.error());
    if (std::ranges::find(request.kinds, kind->id) == request.kinds.end()) request.kinds.push_back(kind->id);
  }
  return [&session, request, text = options.from] {
    session.overlay().find(request, [&session, request, text](const auto& outcome) {
      end_find(session, Json{{"from", text}, {"resource", request.resource.hex()}}, outcome);
    });
  };
}

Result<Action> prepare(Session& session, const ProbeOptions& options) {
  std::optional<wire::Destination> to;
  if (options.to) {
    auto destination = destination_of(session, *options.to);
    if (!destination) return tl::unexpected(destination.error());
    to = std::move(*destination);
  }
  return [&session, to] {
    session.overlay().probe({to.value_or(session.peer())},
                            [&session](const auto& outcome) { end_probe(session, outcome); });
  };
}

}  // namespace reload::client
