// One enum of counters, one array per node. Every refused, dropped or failed thing has its counter; `name` and `help`
// feed /metrics. Add a counter where it is counted; tools/tidy.py checks that each is used.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace reload {

#define RELOAD_COUNTERS(X)                                                                     \
  X(frames_received, "Data frames received on overlay links")                                  \
  X(frames_sent, "Data frames sent on overlay links")                                          \
  X(frames_resent, "Data frames sent again on datagram links")                                 \
  X(acks_received, "Acknowledgements received on overlay links")                               \
  X(bytes_received, "Bytes received on overlay links")                                         \
  X(bytes_sent, "Bytes sent on overlay links")                                                 \
  X(frames_malformed, "Frames that broke the framing and closed their link")                   \
  X(frames_oversized, "Messages above max-message-size")                                       \
  X(headers_malformed, "Messages dropped for a malformed forwarding header")                   \
  X(wrong_overlay, "Messages of another overlay, dropped")                                     \
  X(wrong_version, "Messages of another protocol version, dropped")                            \
  X(messages_delivered, "Messages addressed to this node")                                     \
  X(messages_forwarded, "Messages forwarded")                                                  \
  X(messages_dropped_unroutable, "Messages dropped because no next hop was known")             \
  X(messages_dropped_returning, "Messages dropped because they came from where they would be sent") \
  X(messages_dropped_opaque, "Messages dropped for an unknown or stale opaque id")             \
  X(messages_dropped_queue, "Messages dropped because the queue of a datagram link was full")  \
  X(messages_dropped_via, "Messages dropped for a Via or Destination List that breaks a rule") \
  X(ttl_exceeded, "Messages whose TTL ran out or was above initial-ttl")                       \
  X(forwarding_option_refused, "Messages with an unknown critical forwarding option")          \
  X(fragments_received, "Fragments received for this node")                                    \
  X(fragments_dropped, "Fragments dropped: overlapping badly, too many or too late")           \
  X(contents_malformed, "Messages dropped for malformed contents or security block")           \
  X(certificates_refused, "Certificates refused: chain, validity, form or bad-node list")      \
  X(signatures_made, "Signatures made")                                                        \
  X(signatures_checked, "Signatures checked")                                                  \
  X(signatures_bad, "Signatures that did not verify")                                          \
  X(signers_unknown, "Messages whose signer's certificate was not at hand")                    \
  X(requests_sent, "Requests sent")                                                            \
  X(requests_retransmitted, "Requests sent again")                                             \
  X(requests_timed_out, "Requests that got no answer in time")                                 \
  X(requests_received, "Requests received")                                                    \
  X(requests_repeated, "Requests answered again from the answer cache")                        \
  X(requests_refused_budget, "Requests refused because a sender or table was over its budget") \
  X(messages_shed, "Messages dropped because their link had more than its share")              \
  X(answers_received, "Answers received")                                                      \
  X(answers_unexpected, "Answers without a request, or from the wrong node")                   \
  X(errors_sent, "Error responses sent")                                                       \
  X(errors_received, "Error responses received")                                               \
  X(links_opened, "Links established")                                                         \
  X(links_closed, "Links closed")                                                              \
  X(links_refused, "Links refused: certificate, Node-ID or limit")                             \
  X(links_failed, "Links that could not be established")                                       \
  X(handshakes_failed, "Incoming connections without a TLS handshake, or one too many")        \
  X(links_suspect, "Links taken out of the routing table for missing acknowledgements")        \
  X(attaches_sent, "Attach requests sent")                                                     \
  X(attaches_received, "Attach requests received")                                             \
  X(app_attaches_sent, "AppAttach requests sent")                                              \
  X(app_attaches_received, "AppAttach requests received")                                      \
  X(updates_sent, "Update requests sent")                                                      \
  X(updates_received, "Update requests received")                                              \
  X(joins_received, "Join requests received")                                                  \
  X(leaves_received, "Leave requests received")                                                \
  X(neighbors_lost, "Neighbours lost")                                                         \
  X(stores_accepted, "Store requests applied")                                                 \
  X(stores_refused, "Store requests refused")                                                  \
  X(stores_without_copy, "Store requests answered by an error: no replica confirmed a copy")   \
  X(values_stored, "Values written")                                                           \
  X(values_expired, "Values removed because their lifetime ended")                             \
  X(values_invalid, "Fetched values ignored for a bad signature or policy")                    \
  X(fetches_served, "Fetch requests answered")                                                 \
  X(replicas_sent, "Values sent to replicas and to new owners")                                \
  X(store_failures, "Failures of the value store")                                             \
  X(config_updates_sent, "Configuration documents sent to others")                             \
  X(config_updates_accepted, "Configuration documents accepted")                               \
  X(config_updates_refused, "Configuration documents refused")

enum class Counter : std::uint16_t {
#define RELOAD_COUNTER_ENUM(name, help) name,
  RELOAD_COUNTERS(RELOAD_COUNTER_ENUM)
#undef RELOAD_COUNTER_ENUM
      kCount
};

inline constexpr std::size_t kCounterCount = static_cast<std::size_t>(Counter::kCount);

struct CounterInfo {
  std::string_view name;
  std::string_view help;
};
inline constexpr std::array<CounterInfo, kCounterCount> kCounterInfo{{
#define RELOAD_COUNTER_INFO(name, help) {#name, help},
    RELOAD_COUNTERS(RELOAD_COUNTER_INFO)
#undef RELOAD_COUNTER_INFO
}};

class Counters {
 public:
  void add(Counter counter, std::uint64_t n = 1) { values_[static_cast<std::size_t>(counter)] += n; }
  [[nodiscard]] std::uint64_t get(Counter counter) const { return values_[static_cast<std::size_t>(counter)]; }

 private:
  std::array<std::uint64_t, kCounterCount> values_{};
};

}  // namespace reload
