// One Attach or AppAttach under way.
#pragma once

#include <optional>

#include "reload/base/strong.hpp"
#include "reload/security/certificate.hpp"
#include "reload/wire/address.hpp"

namespace reload::connect {

// Requester: asked -> awaiting_link, or -> yielded by glare (6940 6.5.1.2). Answerer: opening. Each ends with a link or
// a failure.
enum class State : std::uint8_t {
  asked,          // our request is out
  awaiting_link,  // it was answered; the other side, as TLS client, opens the link
  yielded,        // it lost against the other side's Attach to us; the link of that one is ours too
  opening,        // we answered a request and open the link, as TLS client
};

struct Attempt {
  State state = State::asked;
  std::optional<ApplicationId> application;       // AppAttach; nothing: Attach
  std::uint64_t caller = 0;                       // of a requester: topology's number or the API call's id
  NodeId peer;                                    // zero while the request is on its way to a resource
  security::CertificatePtr certificate;           // with which the peer signed its message; nullptr while asked
  std::optional<wire::IpAddressPort> listens_at;  // its first address, of an answered request
  bool update_wanted = false;                     // its message said send_update
  std::uint64_t links_before = 0;                 // overlay links numbered up to here were up when the request was sent
  std::optional<Mono> deadline;                   // for the link to come; while asked the request has its own end
};

}  // namespace reload::connect
