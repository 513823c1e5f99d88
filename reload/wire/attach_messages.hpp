// 6940 6.5.1.1, 6.5.2: Attach and AppAttach, with their candidates.
#pragma once

#include <optional>

#include "reload/base/bytes.hpp"
#include "reload/wire/address.hpp"

namespace reload::wire {

struct IceExtension {
  Bytes name;
  Bytes value;
  friend bool operator==(const IceExtension&, const IceExtension&) = default;
};

struct IceCandidate {
  IpAddressPort address;
  std::uint8_t overlay_link = 0;  // OverlayLinkType; unknown values are kept, the candidate is then skipped
  Bytes foundation;
  std::uint32_t priority = 0;
  CandidateType type = CandidateType::host;
  std::optional<IpAddressPort> related;  // present exactly for srflx and relay
  std::vector<IceExtension> extensions;
  friend bool operator==(const IceCandidate&, const IceCandidate&) = default;
};

// AttachReq and AttachAns have the same fields: role "passive" in the request, "active" in the answer.
struct Attach {
  Bytes ufrag;
  Bytes password;
  Bytes role;
  std::vector<IceCandidate> candidates;
  bool send_update = false;
  friend bool operator==(const Attach&, const Attach&) = default;
};

struct AppAttach {
  Bytes ufrag;
  Bytes password;
  ApplicationId application;
  Bytes role;
  std::vector<IceCandidate> candidates;
  friend bool operator==(const AppAttach&, const AppAttach&) = default;
};

}  // namespace reload::wire
