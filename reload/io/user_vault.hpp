// Credentials of hosted users on disk, one encrypted file for each.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "reload/security/credentials.hpp"

namespace reload::io {

class UserVault {
 public:
  // `directory` and the key's file are made when missing.
  static Result<UserVault> open(const std::string& directory, const std::string& key_file);

  // What is kept of a user, not checked; nothing if there is nothing. `since`: when it came. Safe on any thread, as all
  // of these are for different users.
  struct Kept {
    security::CredentialPtr credential;
    Wall since;
  };
  [[nodiscard]] Result<std::optional<Kept>> load(const std::string& user, const security::Crypto& crypto,
                                                 std::size_t node_id_length) const;
  Result<void> keep(const security::Credential& credential) const;
  void remove(const std::string& user) const;

 private:
  UserVault(std::string directory, Bytes key) : directory_(std::move(directory)), key_(std::move(key)) {}
  [[nodiscard]] std::string path(const std::string& user) const;

  std::string directory_;
  Bytes key_;
};

}  // namespace reload::io
