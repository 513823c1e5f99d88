#include "reload/connect/candidates.hpp"

#include <algorithm>
#include <string>

#include "reload/base/limits.hpp"

namespace reload::connect {

namespace {

constexpr auto kTlsTcp = static_cast<std::uint8_t>(wire::OverlayLinkType::tls_tcp_fh_no_ice);

// RFC 5245 4.1.2.1 with host's type preference and component 1.
std::uint32_t host_priority(std::size_t index) {
  const auto local_preference = static_cast<std::uint32_t>(65535 - std::min<std::size_t>(index, 65535));
  return (126U << 24) + (local_preference << 8) + 255;
}

}  // namespace

std::vector<wire::IceCandidate> make_candidates(std::span<const wire::IpAddressPort> addresses) {
  std::vector<wire::IceCandidate> candidates;
  for (const wire::IpAddressPort& address : addresses) {
    wire::IceCandidate candidate;
    candidate.address = address;
    candidate.overlay_link = kTlsTcp;
    candidate.foundation = to_bytes(as_bytes(std::to_string(candidates.size() + 1)));
    candidate.priority = host_priority(candidates.size());
    candidates.push_back(std::move(candidate));
  }
  return candidates;
}

std::vector<wire::IpAddressPort> usable_addresses(std::span<const wire::IceCandidate> candidates) {
  std::vector<const wire::IceCandidate*> usable;
  for (const wire::IceCandidate& candidate : candidates) {
    if (candidate.overlay_link == kTlsTcp && candidate.type == wire::CandidateType::host &&
        candidate.address.port != 0) {
      usable.push_back(&candidate);
    }
  }
  std::stable_sort(usable.begin(), usable.end(),
                   [](const auto* a, const auto* b) { return a->priority > b->priority; });
  std::vector<wire::IpAddressPort> addresses;
  for (const wire::IceCandidate* candidate : usable) {
    if (addresses.size() == limits::kMaxCandidatesTried) break;
    addresses.push_back(candidate->address);
  }
  return addresses;
}

}  // namespace reload::connect
