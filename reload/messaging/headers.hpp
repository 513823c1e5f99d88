// The forwarding headers a node puts in front of its own messages: 6940 6.2.1 for requests, 6.1.2 and 6.2.2 for
// answers.
#pragma once

#include "reload/config/overlay_config.hpp"
#include "reload/wire/forwarding_header.hpp"

namespace reload::messaging {

// What an answer needs of its request's header.
struct ReturnPath {
  wire::DestinationList to;
  std::vector<wire::ForwardingOption> options;  // those to be copied, their flags cleared
  std::uint32_t max_response_length = 0;        // 0: no limit
};
[[nodiscard]] ReturnPath return_path(const wire::ForwardingHeader& received, const wire::Destination& previous_hop);

[[nodiscard]] wire::ForwardingHeader request_header(const config::OverlayConfig& config, TransactionId transaction,
                                                    const wire::DestinationList& to, bool any_sequence);
[[nodiscard]] wire::ForwardingHeader answer_header(const config::OverlayConfig& config, TransactionId transaction,
                                                   const ReturnPath& path);

}  // namespace reload::messaging
