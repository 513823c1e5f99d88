#include "reload/messaging/config_sync.hpp"

#include <algorithm>

#include "reload/base/limits.hpp"

namespace reload::messaging {

Sequence compare_sequence(const wire::ForwardingHeader& header, wire::MessageCode code,
                          const config::OverlayConfig& config) {
  const std::uint16_t theirs = header.configuration_sequence;
  if (theirs == config.sequence) return Sequence::same;
  if (theirs == wire::kAnyConfigSequence && code == wire::MessageCode::config_update_req) return Sequence::same;
  return config::is_newer_sequence(theirs, config.sequence) ? Sequence::newer : Sequence::older;
}

std::optional<SendRequest> ConfigSync::offer_document(const NodeId& peer, wire::DestinationList to,
                                                      const config::OverlayConfig& config, Mono now) {
  if (config.document.empty()) return std::nullopt;
  return offer({peer, config.sequence, {}}, std::move(to),
               {.type = wire::ConfigUpdateType::config, .config_data = config.document, .kinds = {}}, config, now);
}

std::optional<SendRequest> ConfigSync::offer_kinds(const NodeId& peer, wire::DestinationList to,
                                                   std::span<const KindId> kinds, const config::OverlayConfig& config,
                                                   Mono now) {
  std::vector<KindId> offered = kinds_to_offer(kinds, config);
  if (offered.empty()) return std::nullopt;
  wire::ConfigUpdateReq update{.type = wire::ConfigUpdateType::kind, .config_data = {}, .kinds = {}};
  for (const KindId id : offered) update.kinds.push_back(config.kinds.find(id)->kind_block);
  return offer({peer, config.sequence, std::move(offered)}, std::move(to), update, config, now);
}

std::optional<SendRequest> ConfigSync::offer(Sent sent, wire::DestinationList to, const wire::ConfigUpdateReq& update,
                                             const config::OverlayConfig& config, Mono now) {
  std::erase_if(not_before_, [now](const auto& entry) { return entry.second <= now; });
  if (not_before_.contains(sent) || not_before_.size() >= limits::kMaxConfigUpdatesAtOnce) return std::nullopt;
  not_before_.emplace(std::move(sent), now + limits::kRequestTries * Duration(config.reliability_timer));
  SendRequest request;
  request.token.owner = Owner::config;
  request.to = std::move(to);
  request.code = wire::MessageCode::config_update_req;
  request.body = wire::encode(update);
  request.any_config_sequence = true;
  return request;
}

std::vector<KindId> kinds_to_offer(std::span<const KindId> kinds, const config::OverlayConfig& config) {
  std::vector<KindId> offered;
  for (const KindId id : kinds) {
    const config::Kind* kind = config.kinds.find(id);
    if (kind != nullptr && !kind->kind_block.empty() && kind->kind_block.size() <= UINT16_MAX) offered.push_back(id);
  }
  std::ranges::sort(offered);
  offered.erase(std::unique(offered.begin(), offered.end()), offered.end());
  return offered;
}

}  // namespace reload::messaging
