// Own keys: credential 0 is the node's, the others belong to users that it hosts (decision 1 of ARCHITECTURE.md).
// No other code touches a private key.
#pragma once

#include <map>

#include "reload/base/strong.hpp"
#include "reload/security/crypto.hpp"

namespace reload::security {

struct Credential {
  CertificatePtr certificate;
  std::shared_ptr<const PrivateKey> key;
  NodeId node_id;                             // the one this credential signs as
  std::vector<CertificatePtr> intermediates;  // CA certificates between it and a root
};
using CredentialPtr = std::shared_ptr<const Credential>;

inline constexpr CredentialId kNodeCredential{0};

class Credentials {
 public:
  explicit Credentials(CredentialPtr node);
  // Adds a user's credential. A second one of the same user name takes the first one's place (renewal) and its id.
  CredentialId add(CredentialPtr user);
  // The node's own, renewed. Precondition: it signs as the same Node-ID.
  void renew_node(CredentialPtr node);
  void remove(CredentialId id);  // Precondition: not the node's own
  [[nodiscard]] CredentialPtr find(CredentialId id) const;
  [[nodiscard]] const CredentialPtr& node() const { return node_; }
  [[nodiscard]] std::optional<CredentialId> find_user(std::string_view user_name) const;
  // The users added, each with the Node-ID its credential signs as.
  [[nodiscard]] std::map<std::string, NodeId> users() const;

 private:
  CredentialPtr node_;
  std::map<CredentialId, CredentialPtr> users_;
  std::map<std::string, CredentialId, std::less<>> by_user_;
  CredentialId next_{1};  // never used again, so that a late job finds no other user's key
};

}  // namespace reload::security
