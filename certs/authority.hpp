// The overlay's certificate authority (6940 11.3, 13.3): assigns Node-IDs, signs certificates, keeps the records. It
// has two files in its directory, ca.key and ca.pem, and writes a line to issued.jsonl for each certificate.
#pragma once

#include "certs/files.hpp"
#include "certs/pki.hpp"
#include "reload/config/overlay_config.hpp"

namespace reload::certs {

// Clocks of other nodes may be behind ours; a certificate is to be valid for them the moment it is issued.
inline constexpr Duration kBackdating = 1h;
inline constexpr std::size_t kMaxNodeIds = 16;  // per certificate; RFC 6940 names no bound

struct Request {
  std::string user_name;         // canonical; empty: a name is made from the first Node-ID
  std::vector<NodeId> node_ids;  // to be kept at a renewal; empty: `node_id_count` new ones
  std::size_t node_id_count = 1;
  io::KeyType key_type = io::KeyType::ecdsa_p256;
  Validity validity;
};

struct Issued {
  Identity identity;
  std::string serial;
  Validity validity;
  std::string authority;    // its id; none of a self-signed one
  std::string certificate;  // PEM
  SecretText key;           // PEM

  // Comment line, key and certificate: one entry of a credential file (reload/io/credential_files).
  [[nodiscard]] SecretText entry() const;
  // Its line in issued.jsonl.
  [[nodiscard]] std::string record() const;
};

// A certificate for a key that only its owner has.
struct Certified {
  Identity identity;
  std::string serial;
  Validity validity;
  std::string authority;
  Bytes certificate;  // DER

  [[nodiscard]] std::string record() const;  // as of Issued
};

class Authority {
 public:
  static Result<Authority> create(std::string overlay, std::size_t node_id_length, io::KeyType type,
                                  const Validity& validity);
  static Result<Authority> from_pem(std::string overlay, std::size_t node_id_length, std::string_view key,
                                    std::string_view certificate);

  [[nodiscard]] Result<Issued> issue(const Request& request) const;
  // Ends with the authority at the latest.
  [[nodiscard]] Result<Certified> certify(Identity identity, EVP_PKEY& public_key, Validity validity) const;
  // 6940 11.3: cryptographically random, so that nobody can choose or foresee a place in the ring.
  [[nodiscard]] Result<NodeId> new_node_id() const;
  [[nodiscard]] Result<SecretText> key() const;
  [[nodiscard]] std::string certificate() const { return certificate_pem(*certificate_); }
  [[nodiscard]] Bytes der() const { return certificate_der(*certificate_); }
  [[nodiscard]] std::string id() const;  // tells authorities of one overlay apart, in the records
  [[nodiscard]] const std::string& overlay() const { return overlay_; }
  [[nodiscard]] Wall until() const { return until_; }

 private:
  Authority(std::string overlay, std::size_t node_id_length, io::PrivateKeyPtr key, CertificateHandle certificate,
            Wall until);

  std::string overlay_;
  std::size_t node_id_length_;
  io::PrivateKeyPtr key_;
  CertificateHandle certificate_;
  Wall until_;
};

// 6940 11.3.1: no authority is asked; the Node-IDs come from the key.
[[nodiscard]] Result<Issued> issue_self_signed(const Request& request, const config::OverlayConfig& config);

[[nodiscard]] Validity validity_for(Wall now, unsigned days);

}  // namespace reload::certs
