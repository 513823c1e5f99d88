// A parsed X.509 certificate, as far as RELOAD uses it (6940 11.3). Immutable and shared.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "reload/base/ids.hpp"
#include "reload/base/result.hpp"
#include "reload/base/time.hpp"
#include "reload/wire/types.hpp"

namespace reload::security {

using CertificateHash = std::array<std::uint8_t, 32>;  // SHA-256 of the DER: the key of every certificate cache

// A backend's key. Only the Crypto that made it knows what is inside.
class PublicKey {
 public:
  virtual ~PublicKey() = default;
};
class PrivateKey {
 public:
  virtual ~PrivateKey() = default;
};

struct Certificate {
  SharedBytes der;
  CertificateHash hash{};
  std::vector<NodeId> node_ids;  // from reload:// URIs; none in a CA certificate
  std::string overlay;           // the overlay name in those URIs
  std::string user_name;         // rfc822Name; empty if none
  Wall not_before;
  Wall not_after;
  bool is_ca = false;                  // BasicConstraints, and keyCertSign where key usage is given
  std::optional<unsigned> path_limit;  // BasicConstraints' pathLenConstraint
  Bytes issuer;                        // DER names, to find a chain by
  Bytes subject;
  Bytes public_key_info;  // SubjectPublicKeyInfo DER, for self-signed Node-IDs (T: the whole SEQUENCE)
  wire::SignatureAlgorithm key_algorithm = wire::SignatureAlgorithm::ecdsa;
  std::shared_ptr<const PublicKey> key;
  // SHA-256(Node-ID || DER) for each Node-ID when there are several (6940 6.3.4); empty otherwise.
  std::vector<CertificateHash> identity_hashes;

  [[nodiscard]] bool is_self_issued() const { return equal(issuer, subject); }
  [[nodiscard]] bool valid_at(Wall time) const { return not_before <= time && time <= not_after; }
  [[nodiscard]] bool holds(const NodeId& id) const;
};
using CertificatePtr = std::shared_ptr<const Certificate>;

// The node that signed something: its certificate and which of the certificate's Node-IDs it used.
struct Signer {
  CertificatePtr certificate;
  NodeId node_id;
  [[nodiscard]] bool known() const { return certificate != nullptr; }
};

// reload://<hex destination list>@<overlay>/ (6940 14.15). The hex may also be a bare Node-ID (interop trap 1).
struct ReloadUri {
  NodeId node_id;
  std::string overlay;
};
[[nodiscard]] bool is_reload_uri(std::string_view uri);  // by its scheme alone
[[nodiscard]] std::optional<ReloadUri> parse_reload_uri(std::string_view uri, std::size_t node_id_length);
[[nodiscard]] std::string make_reload_uri(const NodeId& node_id, std::string_view overlay);

}  // namespace reload::security
