// Own keys: credential 0 is the node's, the others belong to users that it hosts (decision 1 of ARCHITECTURE.md).
// No other code touches a private key.
#pragma once

#include "reload/base/flat_map.hpp"
#include "reload/base/strong.hpp"
#include "reload/security/crypto.hpp"

namespace reload::security {

struct Credential {
  CertificatePtr certificate;
  std::shared_ptr<const PrivateKey> key;
  NodeId node_id;                           // the one this credential signs as
  std::vector<CertificatePtr> intermediates;  // CA certificates between it and a root
};
using CredentialPtr = std::shared_ptr<const Credential>;

inline constexpr CredentialId kNodeCredential{0};

class Credentials {
 public:
  explicit Credentials(CredentialPtr node);
  CredentialId add(CredentialPtr user);
  void remove(CredentialId id);
  [[nodiscard]] CredentialPtr find(CredentialId id) const;
  [[nodiscard]] CredentialPtr node() const { return find(kNodeCredential); }
  [[nodiscard]] std::optional<CredentialId> find_user(std::string_view user_name) const;

 private:
  std::vector<CredentialPtr> credentials_;
  FlatMap<std::string, CredentialId> by_user_;
};

}  // namespace reload::security
