// Nodes with different configuration documents (6940 6.3.2.1, 6.5.4): who has the older one, and who was told.
#pragma once

#include <map>

#include "reload/config/overlay_config.hpp"
#include "reload/messaging/effects.hpp"
#include "reload/wire/forwarding_header.hpp"

namespace reload::messaging {

// What a received request's sequence is to this node's.
enum class Sequence : std::uint8_t { same, older, newer };
[[nodiscard]] Sequence compare_sequence(const wire::ForwardingHeader& header, wire::MessageCode code,
                                        const config::OverlayConfig& config);

// Makes the ConfigUpdate requests for other nodes.
class ConfigSync {
 public:
  // The whole document for a node that has an older one. Nothing if there is none to send, or `peer` was sent the same
  // less than a request's life ago: two nodes could otherwise keep each other busy (T61).
  [[nodiscard]] std::optional<SendRequest> offer_document(const NodeId& peer, wire::DestinationList to,
                                                          const config::OverlayConfig& config, Mono now);
  // The kind-blocks of those of `kinds` that have one. Nothing as above.
  [[nodiscard]] std::optional<SendRequest> offer_kinds(const NodeId& peer, wire::DestinationList to,
                                                       std::span<const KindId> kinds,
                                                       const config::OverlayConfig& config, Mono now);

 private:
  // What a node was sent: these Kinds, or with none the document, of this sequence. Two documents soon after each other
  // both go out.
  struct Sent {
    NodeId peer;
    std::uint16_t sequence = 0;
    std::vector<KindId> kinds;
    friend auto operator<=>(const Sent&, const Sent&) = default;
  };
  [[nodiscard]] std::optional<SendRequest> offer(Sent sent, wire::DestinationList to,
                                                 const wire::ConfigUpdateReq& update,
                                                 const config::OverlayConfig& config, Mono now);

  std::map<Sent, Mono> not_before_;
};

// Those of `kinds` whose definition came with a document or a ConfigUpdate, so that others can be sent it.
[[nodiscard]] std::vector<KindId> kinds_to_offer(std::span<const KindId> kinds, const config::OverlayConfig& config);

}  // namespace reload::messaging
