#include "reload/config/kind_registry.hpp"

#include <algorithm>

#include "reload/base/limits.hpp"

namespace reload::config {

namespace {

Kind registered(KindId id, std::string name, wire::DataModel model, AccessPolicy policy, std::uint32_t max_count,
                std::uint32_t max_size) {
  Kind kind;
  kind.id = id;
  kind.name = std::move(name);
  kind.model = model;
  kind.policy = policy;
  kind.max_count = max_count;
  kind.max_size = max_size;
  return kind;
}

}  // namespace

std::string_view name_of(AccessPolicy policy) {
  switch (policy) {
    case AccessPolicy::user_match:
      return "USER-MATCH";
    case AccessPolicy::node_match:
      return "NODE-MATCH";
    case AccessPolicy::user_node_match:
      return "USER-NODE-MATCH";
    case AccessPolicy::node_multiple:
      return "NODE-MULTIPLE";
  }
  return "unknown";
}

std::string_view name_of(wire::DataModel model) {
  switch (model) {
    case wire::DataModel::single:
      return "SINGLE";
    case wire::DataModel::array:
      return "ARRAY";
    case wire::DataModel::dictionary:
      return "DICTIONARY";
  }
  return "unknown";
}

KindRegistry KindRegistry::with_registered() {
  using wire::DataModel;
  KindRegistry registry;
  // The limits hold until a document's required-kinds give others. RFC 7904: one entry for each device of a user.
  registry.add(registered(wire::kKindSipRegistration, "SIP-REGISTRATION", DataModel::dictionary,
                          AccessPolicy::user_node_match, 16, 2048));
  // 6940 9: one TurnServer of at most 21 bytes; 20 is the largest turn-density that makes sense (T43).
  Kind turn = registered(wire::kKindTurnService, "TURN-SERVICE", DataModel::single, AccessPolicy::node_multiple, 1, 64);
  turn.max_node_multiple = 20;
  registry.add(std::move(turn));
  // 6940 8: an old and a renewed certificate, and those of a user's devices.
  registry.add(registered(wire::kKindCertificateByNode, "CERTIFICATE_BY_NODE", DataModel::array,
                          AccessPolicy::node_match, 16, limits::kMaxCertificateBytes));
  registry.add(registered(wire::kKindCertificateByUser, "CERTIFICATE_BY_USER", DataModel::array,
                          AccessPolicy::user_match, 16, limits::kMaxCertificateBytes));
  return registry;
}

void KindRegistry::add(Kind kind) {
  const KindId id = kind.id;
  kinds_[id] = std::move(kind);
}

bool KindRegistry::remove(KindId id) { return kinds_.erase(id); }

const Kind* KindRegistry::find_name(std::string_view name) const {
  const auto it =
      std::find_if(kinds_.begin(), kinds_.end(), [&](const auto& entry) { return entry.second.name == name; });
  return it == kinds_.end() || name.empty() ? nullptr : &it->second;
}

std::optional<wire::DataModel> KindRegistry::model_of(KindId id) const {
  const Kind* kind = find(id);
  return kind != nullptr ? std::optional(kind->model) : std::nullopt;
}

}  // namespace reload::config
