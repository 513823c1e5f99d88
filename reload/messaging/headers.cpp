#include "reload/messaging/headers.hpp"

namespace reload::messaging {

namespace {

wire::ForwardingHeader own_header(const config::OverlayConfig& config, TransactionId transaction) {
  wire::ForwardingHeader header;
  header.overlay = config.overlay_hash;
  header.configuration_sequence = config.sequence;
  header.ttl = config.initial_ttl;
  header.transaction_id = transaction;
  return header;
}

}  // namespace

ReturnPath return_path(const wire::ForwardingHeader& received, const wire::Destination& previous_hop) {
  ReturnPath path;
  path.to.reserve(received.via_list.size() + 1);
  path.to.push_back(previous_hop);
  path.to.insert(path.to.end(), received.via_list.rbegin(), received.via_list.rend());
  for (const wire::ForwardingOption& option : received.options) {
    if ((option.flags & wire::ForwardingOption::kResponseCopy) == 0) continue;
    constexpr auto kFlags = wire::ForwardingOption::kForwardCritical | wire::ForwardingOption::kDestinationCritical |
                            wire::ForwardingOption::kResponseCopy;
    wire::ForwardingOption& copy = path.options.emplace_back(option);
    copy.flags = static_cast<std::uint8_t>(copy.flags & ~kFlags);
  }
  path.max_response_length = received.max_response_length;
  return path;
}

wire::ForwardingHeader request_header(const config::OverlayConfig& config, TransactionId transaction,
                                      const wire::DestinationList& to, bool any_sequence) {
  wire::ForwardingHeader header = own_header(config, transaction);
  if (any_sequence) header.configuration_sequence = wire::kAnyConfigSequence;
  header.destination_list = to;
  return header;
}

wire::ForwardingHeader answer_header(const config::OverlayConfig& config, TransactionId transaction,
                                     const ReturnPath& path) {
  wire::ForwardingHeader header = own_header(config, transaction);
  header.destination_list = path.to;
  header.options = path.options;
  return header;
}

}  // namespace reload::messaging
