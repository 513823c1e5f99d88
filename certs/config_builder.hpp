// The configuration of an overlay (6940 11.1) made from settings.
#pragma once

#include <string>
#include <vector>

#include "reload/config/overlay_config.hpp"

namespace reload::certs {

struct ConfigSettings {
  std::string overlay;
  std::vector<std::string> bootstrap;           // ADDR[:PORT], [ADDR6]:PORT or ADDR6
  std::vector<std::string> enrollment_servers;  // https: URLs
  // The RFC's 5000 bytes end where a user has some ten devices: a Fetch answer carries every registration's signature
  // and certificate, about 650 bytes each. A ConfigUpdate carries the whole document, 3 KiB at first, more with each
  // bad-node, root and Kind. 64 KiB holds sip_max_count registrations and leaves the document room to grow.
  std::uint32_t max_message_size = 65536;
  std::uint32_t initial_ttl = 100;
  std::uint32_t chord_update_interval = 600;
  std::uint32_t chord_ping_interval = 3600;
  bool chord_reactive = true;
  std::uint32_t reliability_timer_ms = 3000;
  bool no_ice = true;
  bool clients = true;
  std::uint32_t sip_max_count = 64;
  std::uint32_t sip_max_size = 1000;
  std::optional<config::NodeIdDigest> self_signed;  // members make their own certificates
  std::optional<std::string> shared_secret;         // links are for those who know it
  std::vector<std::string> domains;                 // empty: all; "own": the overlay's name; else patterns
};

// The settings as a configuration with the SIP-REGISTRATION Kind and sequence 1. Its root-certs and signers are left to
// the caller.
[[nodiscard]] Result<config::OverlayConfig> build_config(const ConfigSettings& settings);

[[nodiscard]] Result<wire::IpAddressPort> parse_bootstrap(const std::string& text);
[[nodiscard]] std::string to_text(const wire::IpAddressPort& address);

}  // namespace reload::certs
