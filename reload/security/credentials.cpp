#include "reload/security/credentials.hpp"

#include "reload/base/check.hpp"

namespace reload::security {

Credentials::Credentials(CredentialPtr node) : node_(std::move(node)) {
  RELOAD_CHECK(node_ != nullptr && node_->certificate != nullptr);
}

void Credentials::renew_node(CredentialPtr node) {
  RELOAD_CHECK(node != nullptr && node->certificate != nullptr && node->node_id == node_->node_id);
  node_ = std::move(node);
}

CredentialId Credentials::add(CredentialPtr user) {
  RELOAD_CHECK(user != nullptr && user->certificate != nullptr);
  const auto [entry, is_new] = by_user_.try_emplace(user->certificate->user_name, next_);
  if (is_new) ++next_.value;
  users_[entry->second] = std::move(user);
  return entry->second;
}

void Credentials::remove(CredentialId id) {
  RELOAD_CHECK(id != kNodeCredential);
  const auto entry = users_.find(id);
  if (entry == users_.end()) return;
  by_user_.erase(entry->second->certificate->user_name);
  users_.erase(entry);
}

CredentialPtr Credentials::find(CredentialId id) const {
  if (id == kNodeCredential) return node_;
  const auto entry = users_.find(id);
  return entry == users_.end() ? nullptr : entry->second;
}

std::optional<CredentialId> Credentials::find_user(std::string_view user_name) const {
  const auto entry = by_user_.find(user_name);
  return entry == by_user_.end() ? std::nullopt : std::optional(entry->second);
}

std::map<std::string, NodeId> Credentials::users() const {
  std::map<std::string, NodeId> users;
  for (const auto& [name, id] : by_user_) users.emplace(name, find(id)->node_id);
  return users;
}

}  // namespace reload::security
