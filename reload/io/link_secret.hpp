// The key that an overlay's shared-secret gives its links (6940 13.4): TLS-PSK with (EC)DHE, so that a secret that
// becomes known later opens no recorded link.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "reload/config/overlay_config.hpp"

struct ssl_ctx_st;

namespace reload::io {

struct LinkSecret {
  std::string identity;  // T32: the overlay's name
  std::array<std::uint8_t, 32> key{};
  LinkSecret() = default;
  ~LinkSecret();  // wipes the key
  LinkSecret(const LinkSecret&) = delete;
  LinkSecret& operator=(const LinkSecret&) = delete;
};

// Nothing for an overlay without shared-secret. Takes about 0.1 s, which is what each guess costs who has recorded a
// handshake.
[[nodiscard]] Result<std::shared_ptr<const LinkSecret>> derive_link_secret(const config::OverlayConfig& config);

// Makes `context` do handshakes by the secret alone: TLS 1.3, no certificate shown or taken. `secret` outlives it.
[[nodiscard]] Result<void> use_link_secret(ssl_ctx_st* context, const LinkSecret& secret);

}  // namespace reload::io
