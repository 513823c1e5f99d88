// Real keys, certificates and configurations, made at run time: an overlay with its authority, and every kind of
// certificate that a test may need, the wrong ones too.
#pragma once

#include <openssl/types.h>

#include "reload/config/overlay_config.hpp"
#include "reload/io/openssl_crypto.hpp"
#include "reload/security/credentials.hpp"
#include "reload/security/trust.hpp"

namespace reload::kit {

// Fixed, so that tests don't depend on the day; wide, so that they may also use the real clock.
inline constexpr Wall kValidFrom = from_unix_seconds(1577836800);  // 2020-01-01
inline constexpr Wall kValidTo = from_unix_seconds(2524607999);    // 2049-12-31
inline constexpr Wall kTestNow = from_unix_seconds(1800000000);    // 2027-01-15

// Node-IDs that read well: 16 bytes with `number` at the end.
[[nodiscard]] NodeId node_number(std::uint64_t number);

struct CertificateSpec {
  std::vector<NodeId> node_ids;
  std::vector<std::string> users;
  std::string overlay;
  Wall from = kValidFrom;
  Wall to = kValidTo;
  io::KeyType key_type = io::KeyType::ecdsa_p256;
  std::string common_name;  // empty: an empty subject
  std::string extra_names;  // more of subjectAltName in OpenSSL's text form
  bool is_ca = false;
  std::optional<unsigned> path_limit;
  bool unknown_critical_extension = false;
};

// A CA: a root when made without an issuer.
class Authority {
 public:
  explicit Authority(const std::string& name, io::KeyType key_type = io::KeyType::ecdsa_p256,
                     const Authority* issuer = nullptr, std::optional<unsigned> path_limit = {}, Wall from = kValidFrom,
                     Wall to = kValidTo, bool is_ca = true);

  [[nodiscard]] const security::CertificatePtr& certificate() const { return credential_->certificate; }
  [[nodiscard]] ByteView der() const { return certificate()->der.view(); }
  // The credential signs as its certificate's first Node-ID and brings `intermediates` along.
  [[nodiscard]] security::CredentialPtr issue(const CertificateSpec& spec,
                                              std::vector<security::CertificatePtr> intermediates = {}) const;
  // A certificate that may be one that RELOAD can't read: of it there is the DER only.
  [[nodiscard]] security::CredentialPtr issue_unread(const CertificateSpec& spec) const;

 private:
  security::CredentialPtr credential_;
};

// One overlay with one root.
class Fixture {
 public:
  explicit Fixture(std::string overlay, io::KeyType key_type = io::KeyType::ecdsa_p256);

  [[nodiscard]] const security::Crypto& crypto() const { return crypto_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const Authority& authority() const { return authority_; }
  // Defaults, this overlay's name, hash and root; a copy, to be changed at will.
  [[nodiscard]] config::OverlayConfig config() const;
  [[nodiscard]] config::ConfigPtr config_ptr() const { return std::make_shared<config::OverlayConfig>(config()); }
  [[nodiscard]] security::TrustPtr trust() const { return trust_of(config()); }
  [[nodiscard]] security::TrustPtr trust_of(config::OverlayConfig config) const;

  [[nodiscard]] CertificateSpec spec(std::vector<NodeId> node_ids, const std::string& user) const;
  [[nodiscard]] security::CredentialPtr issue(const NodeId& node_id, const std::string& user) const;
  [[nodiscard]] security::CredentialPtr issue(std::vector<NodeId> node_ids, const std::string& user) const;
  [[nodiscard]] security::CredentialPtr issue(const CertificateSpec& spec) const { return authority_.issue(spec); }
  [[nodiscard]] security::CredentialPtr expired(const NodeId& node_id, const std::string& user) const;
  [[nodiscard]] security::CredentialPtr not_yet_valid(const NodeId& node_id, const std::string& user) const;
  // Right in all but the authority, which nobody trusts.
  [[nodiscard]] security::CredentialPtr from_other_authority(const NodeId& node_id, const std::string& user) const;
  // Self-signed with Node-IDs by 6940 11.3.1.
  [[nodiscard]] security::CredentialPtr self_signed(const std::string& user, config::NodeIdDigest digest,
                                                    std::size_t count = 1) const;

 private:
  io::OpensslCrypto crypto_;
  std::string name_;
  Authority authority_;
};

// A self-signed certificate as bytes, whether it can be parsed or not.
[[nodiscard]] Bytes make_certificate_der(const CertificateSpec& spec);

// A self-signed certificate with any names in it, for a key of its own.
[[nodiscard]] security::CredentialPtr make_self_signed(const CertificateSpec& spec);

}  // namespace reload::kit
