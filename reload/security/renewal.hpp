// When to renew a credential: at two thirds of its life, and when that fails, again after pauses that grow.
#pragma once

#include <optional>

#include "reload/base/rng.hpp"
#include "reload/base/time.hpp"
#include "reload/security/credentials.hpp"
#include "reload/security/trust.hpp"

namespace reload::security {

// The life of a credential as its owner sees it. `from` is when it came: a server may date certificates back, so that
// clocks that are behind take them too.
struct CredentialLife {
  Wall from;
  Wall until;
};

// A random time in the twelfth after two thirds, so that the nodes of an overlay that were started together don't come
// together for ever.
[[nodiscard]] Wall renewal_time(const CredentialLife& life, Rng& rng);

// How long to wait after the try number `failures` (1: the first one that failed). `retry_after`: what the server asks
// for. As the end comes near the pauses get shorter again, so that there are always several tries left.
[[nodiscard]] Duration renewal_pause(const CredentialLife& life, unsigned failures, std::optional<Duration> retry_after,
                                     Wall now, Rng& rng);

// The overlay goes over to another authority: the newest root is the last of the document, and the credential is of an
// older one, which a later document will drop.
[[nodiscard]] bool is_of_older_root(const Credential& credential, const Trust& trust, const Crypto& crypto);
// Within this time, at random, a node then gets another credential.
inline constexpr Duration kRollOverTime = 10s;
// The same for each of a node's `users`, who would be too many for the server at once.
inline constexpr Duration kRollOverTimeOfUser = 50ms;

// How loud a failed renewal is to be told.
enum class Urgency : std::uint8_t { low, high, expired };  // high: less than a sixth of the life is left
[[nodiscard]] Urgency renewal_urgency(const CredentialLife& life, Wall now);

}  // namespace reload::security
