// What the SIP usage counts and shows at /metrics. Counters only grow; gauges are what is there now. Written by the
// SIP thread, read by any.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

namespace reload::sip {

#define RELOAD_SIP_COUNTERS(X)                                                                       \
  X(registers_received, "REGISTER requests received from phones")                                    \
  X(registers_ok, "REGISTER requests answered 200")                                                  \
  X(registers_challenged, "REGISTER requests answered 401 for want of credentials or a new nonce")   \
  X(registers_refused, "REGISTER requests refused: wrong password, wrong user or malformed")         \
  X(registers_rate_limited, "REGISTER requests answered 503 because their source was over its rate") \
  X(registers_dropped, "REGISTER requests dropped because their source flooded")                     \
  X(registers_failed, "REGISTER requests answered 503 because the overlay did not store")            \
  X(bindings_expired, "Contacts that ended because they were not refreshed")                         \
  X(overlay_stores, "Registrations stored in the overlay")                                           \
  X(overlay_removals, "Registrations removed from the overlay")                                      \
  X(overlay_store_failures, "Stores and removals that failed in the overlay")                        \
  X(resolutions, "Addresses looked up in the overlay")                                               \
  X(resolutions_failed, "Look-ups that failed in the overlay")                                       \
  X(records_malformed, "Fetched registrations that could not be read")                               \
  X(requests_from_phones, "Requests other than REGISTER received from phones")                       \
  X(requests_from_peers, "Requests received from other peers")                                       \
  X(requests_challenged, "Requests answered 407")                                                    \
  X(requests_refused, "Requests answered 403")                                                       \
  X(requests_rate_limited, "Requests refused because their source was over its rate")                \
  X(requests_malformed, "Requests that could not be handled as SIP wants them")                      \
  X(loops_detected, "Requests answered 482 or 483")                                                  \
  X(calls_in, "INVITE transactions received from peers")                                             \
  X(calls_out, "INVITE transactions received from phones")                                           \
  X(calls_answered, "INVITE transactions that ended with 2xx")                                       \
  X(calls_cancelled, "INVITE transactions that ended with 487")                                      \
  X(calls_failed_404, "INVITE transactions that ended with 404")                                     \
  X(calls_failed_408, "INVITE transactions that ended with 408")                                     \
  X(calls_failed_480, "INVITE transactions that ended with 480")                                     \
  X(calls_failed_503, "INVITE transactions that ended with 503")                                     \
  X(calls_failed_other, "INVITE transactions that ended with another failure")                       \
  X(branches, "Requests sent on, one for each target")                                               \
  X(forks, "Requests sent on to more than one target")                                               \
  X(pipes_opened, "Application connections opened to other peers")                                   \
  X(pipes_accepted, "Application connections accepted from other peers")                             \
  X(pipes_failed, "Application connections that could not be opened")                                \
  X(pipes_closed, "Application connections closed")                                                  \
  X(pipe_bytes_sent, "Bytes of SIP sent to other peers")                                             \
  X(pipe_bytes_received, "Bytes of SIP received from other peers")                                   \
  X(strangers_refused, "Connections to the private SIP listener that no pipe made")

#define RELOAD_SIP_GAUGES(X)                                  \
  X(registrations, "Addresses of record with a contact here") \
  X(bindings, "Contacts held")                                \
  X(transactions, "Requests being proxied")                   \
  X(pipes, "Application connections open")

enum class SipCounter : std::uint8_t {
#define RELOAD_SIP_ENUM(name, help) name,
  RELOAD_SIP_COUNTERS(RELOAD_SIP_ENUM) RELOAD_SIP_GAUGES(RELOAD_SIP_ENUM)
#undef RELOAD_SIP_ENUM
      kCount
};
inline constexpr std::size_t kSipCounterCount = static_cast<std::size_t>(SipCounter::kCount);

struct SipCounterInfo {
  std::string_view name;
  std::string_view help;
  bool gauge = false;
};
inline constexpr std::array<SipCounterInfo, kSipCounterCount> kSipCounterInfo{{
#define RELOAD_SIP_INFO(name, help) {#name, help, false},
    RELOAD_SIP_COUNTERS(RELOAD_SIP_INFO)
#undef RELOAD_SIP_INFO
#define RELOAD_SIP_INFO(name, help) {#name, help, true},
        RELOAD_SIP_GAUGES(RELOAD_SIP_INFO)
#undef RELOAD_SIP_INFO
}};

class SipCounters {
 public:
  void add(SipCounter counter, std::uint64_t n = 1) { at(counter).fetch_add(n, std::memory_order_relaxed); }
  void set(SipCounter gauge, std::uint64_t value) { at(gauge).store(value, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t get(SipCounter counter) const {
    return values_[static_cast<std::size_t>(counter)].load(std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint64_t>& at(SipCounter counter) { return values_[static_cast<std::size_t>(counter)]; }
  std::array<std::atomic<std::uint64_t>, kSipCounterCount> values_{};
};

}  // namespace reload::sip
