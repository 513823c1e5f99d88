// 6940 6.5.1.1: candidates of an Attach message, for link protocol TLS-TCP-FH-NO-ICE.
#pragma once

#include <span>

#include "reload/wire/attach_messages.hpp"

namespace reload::connect {

// Own listening addresses, best first, as host candidates with priorities in that order (guide 8.1).
[[nodiscard]] std::vector<wire::IceCandidate> make_candidates(std::span<const wire::IpAddressPort> addresses);

// The addresses among the other side's candidates that can be tried, best first. Candidates of another link protocol
// or type are skipped (trap 25); at most limits::kMaxCandidatesTried are used.
[[nodiscard]] std::vector<wire::IpAddressPort> usable_addresses(std::span<const wire::IceCandidate> candidates);

}  // namespace reload::connect
