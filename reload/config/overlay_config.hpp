// The overlay's own settings: the configuration document of 6940 11.1 as a value. Immutable once made and shared by
// everything that reads it; a new document is a new value.
#pragma once

#include <chrono>

#include "reload/base/time.hpp"
#include "reload/config/kind_registry.hpp"
#include "reload/wire/address.hpp"

namespace reload::config {

enum class NodeIdDigest : std::uint8_t { sha1, sha256 };

struct OverlayConfig {
  std::string instance_name;
  std::uint16_t sequence = 0;
  std::optional<Wall> expiration;
  std::string topology_plugin = "CHORD-RELOAD";
  std::size_t node_id_length = 16;
  std::vector<Bytes> root_certs;  // DER
  std::vector<std::string> enrollment_servers;
  std::optional<NodeIdDigest> self_signed_digest;  // set when self-signed-permitted is true
  std::vector<wire::IpAddressPort> bootstrap_nodes;
  std::uint8_t turn_density = 1;
  bool clients_permitted = true;
  bool no_ice = false;
  std::vector<std::string> link_protocols;  // default: TLS
  std::chrono::seconds chord_update_interval{600};
  std::chrono::seconds chord_ping_interval{3600};
  bool chord_reactive = true;
  std::optional<std::string> shared_secret;
  std::uint32_t max_message_size = 5000;
  std::uint8_t initial_ttl = 100;
  std::chrono::milliseconds reliability_timer{3000};
  std::vector<NodeId> configuration_signers;
  std::vector<NodeId> kind_signers;
  std::vector<NodeId> bad_nodes;  // sorted
  std::vector<std::string> mandatory_extensions;
  KindRegistry kinds = KindRegistry::with_registered();
  std::vector<std::string> unsupported;  // what the document demands and this program can't do, in words

  Bytes document;                  // as received, for ConfigUpdate
  SignedElement element;           // the configuration element in it, and its signatures
  std::uint32_t overlay_hash = 0;  // last four bytes of SHA-1(instance_name), in every header

  [[nodiscard]] bool is_bad_node(const NodeId& id) const;
  [[nodiscard]] bool is_configuration_signer(const NodeId& id) const;
  [[nodiscard]] bool is_kind_signer(const NodeId& id) const;
  // T60: an expired document keeps a node running but starts no new joins.
  [[nodiscard]] bool is_expired(Wall now) const { return expiration && *expiration < now; }
  [[nodiscard]] wire::CodecContext codec() const { return {node_id_length, &kinds}; }
};
using ConfigPtr = std::shared_ptr<const OverlayConfig>;

// 6940 6.3.2.1: sequence order modulo 65535 (T13).
[[nodiscard]] constexpr bool is_newer_sequence(std::uint16_t a, std::uint16_t b) {
  return a != b && (a + 65535u - b) % 65535u < 32768u;
}

// The version after 65534 has sequence 0.
[[nodiscard]] constexpr std::uint16_t next_sequence(std::uint16_t sequence) {
  return static_cast<std::uint16_t>((sequence + 1u) % 65535u);
}

}  // namespace reload::config
