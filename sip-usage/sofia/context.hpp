// What the handlers of requests share. All of it lives on the SIP thread and outlives every request.
#pragma once

#include <array>
#include <string>

#include "reload/base/time.hpp"
#include "sip-usage/connections.hpp"
#include "sip-usage/digest_auth.hpp"
#include "sip-usage/locator.hpp"
#include "sip-usage/rate_limiter.hpp"
#include "sip-usage/registrar.hpp"
#include "sip-usage/sofia/endpoint.hpp"
#include "sip-usage/sofia/pipe_bridge.hpp"

namespace reload::sip {

struct Context {
  const SipOptions& options;
  const PasswordTable& passwords;
  const DigestHash& hash;
  overlay::Overlay& overlay;
  SipCounters& counters;
  DigestAuth& auth;
  Registrar& registrar;
  Locator& locator;
  Connections& connections;
  PipeBridge& pipes;
  Endpoint& phones;
  Endpoint& peers;
};

// Elapsed time for everything on the SIP thread.
[[nodiscard]] Mono mono_now();

// The facts of a URI.

// As an address of record; one of our own listening addresses as its host reads as the overlay's name.
[[nodiscard]] std::optional<Aor> aor_of(const Context& context, const url_t* url);
// True when the URI names this proxy itself: no user, and one of our addresses or the overlay as its host.
[[nodiscard]] bool names_us(const Context& context, const url_t* url);
// The domain is the overlay's, or one for which its SIP-REGISTRATION Kind admits addresses.
[[nodiscard]] bool served(const Context& context, const Aor& aor);
// The address is of the overlay's own domain, or has a password here.
[[nodiscard]] bool claims_user(const Context& context, const Aor& aor);
[[nodiscard]] std::string text_of(const url_t* url);
// What makes two contacts the same: user, host, port and transport.
[[nodiscard]] std::string contact_key(const url_t* url);

// Digest credentials for our realm among the headers; nothing when there are none.
[[nodiscard]] std::optional<DigestCredentials> credentials_in(const Context& context, const msg_auth_t* headers);

// The values of the one or two headers of a challenge, with one new nonce; the second may be empty.
[[nodiscard]] std::array<std::string, 2> challenges(const Context& context, bool stale);

}  // namespace reload::sip
