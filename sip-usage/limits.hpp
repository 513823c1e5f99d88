// The bounds of the SIP side with their reasons, besides those of reload/base/limits.hpp.
#pragma once

#include <cstddef>

#include "reload/base/limits.hpp"

namespace reload::sip {

// RFC 7904 8.2.1 leaves throttling to the caller; these are far above any honest set of forwardings and devices.
inline constexpr std::size_t kMaxFetchesPerCall = 10;
inline constexpr std::size_t kMaxTargetsPerCall = 32;

// Phones.
inline constexpr std::size_t kMaxContactsPerAor = 16;
inline constexpr std::size_t kMaxBindings = 200'000;
inline constexpr std::size_t kMaxWaitingRegisters = 64;  // REGISTERs of one address that wait for one Store
inline constexpr std::size_t kMaxUsers = 1'000'000;
inline constexpr std::size_t kMaxTransactions = 50'000;  // requests being proxied at once
inline constexpr std::size_t kMaxRateSources = 4096;     // sources watched; the one longest quiet is forgotten
inline constexpr std::size_t kMaxNonceCounts = 65'536;   // nonces whose count is remembered; the oldest is forgotten

// Stores. A Store outlives a phone's short interval, so that a phone that refreshes each minute causes one Store in
// some minutes; when the phone goes, the registration is removed.
inline constexpr Duration kMinStoreLifetime = 600s;
inline constexpr Duration kStoreMargin = 30s;      // the registration outlives the binding by this
inline constexpr Duration kStoreRetryWindow = 8s;  // a phone repeats its REGISTER after 32 s: answer well before
inline constexpr Duration kFirstStoreRetry = 1s;
inline constexpr Duration kStoreRetryMin = 5s;
inline constexpr Duration kStoreRetryMax = 60s;

// Application connections.
inline constexpr Duration kPipeKeepalive = 25s;  // 6940 6.5.2.1
inline constexpr Duration kPipeSilence = 90s;    // three keepalives without an answer: dead
inline constexpr Duration kPipeIdle = 600s;      // without SIP this long: closed
inline constexpr std::size_t kMaxWaitingForPipe = 4096;

// What waits in the SIP thread's inbox, and calls of the overlay that wait for their result.
inline constexpr std::size_t kMaxInboxBytes = std::size_t{16} << 20;
inline constexpr std::size_t kMaxOverlayCalls = 16'384;

inline constexpr Duration kNonceLifetime = 300s;

}  // namespace reload::sip
