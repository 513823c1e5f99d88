// Where a node's own credential comes from: a file that reload-certs issue has made, or the enrollment server, kept in
// the data directory from then on.
#pragma once

#include "reload/io/enroll.hpp"
#include "reload/security/renewal.hpp"

namespace reload::io {

// As the user gives it.
struct CredentialOptions {
  std::string file;           // --credential
  std::string enroll_user;    // --enroll-user
  std::string password_file;  // --enroll-password-file
  std::string device;         // --enroll-device; empty: this machine's name
  std::string data;           // --data; empty: what was enrolled is not kept
  std::string ca_file;        // --tls-ca
  std::string dns_server;     // --dns-server
};

class CredentialSource {
 public:
  // The failure names the option and the cure.
  static Result<CredentialSource> make(CredentialOptions options);

  [[nodiscard]] bool enrolls() const { return options_.file.empty(); }
  [[nodiscard]] const CredentialOptions& options() const { return options_; }
  // The option that names it, and its value.
  [[nodiscard]] std::string in_words() const;
  // The file that it is in, or kept in; empty if it is kept nowhere.
  [[nodiscard]] std::string path() const;

  struct Loaded {
    security::CredentialPtr credential;
    security::CredentialLife life;
    std::string warning;
  };
  // The credential to begin with: the file's, the one kept, or a new one of the enrollment server, for which it waits.
  [[nodiscard]] Result<Loaded> load(const config::ConfigPtr& config, const security::Crypto& crypto, Wall now,
                                    const Progress& progress) const;
  // That of the file, checked.
  [[nodiscard]] Result<security::CredentialPtr> read(const config::ConfigPtr& config, const security::Crypto& crypto,
                                                     Wall now) const;
  // A new one with a new key, kept before it is given; of the same Node-ID as `old`, if there is one. Safe on any
  // thread.
  [[nodiscard]] Enrolled renew(const security::CredentialPtr& old, const config::ConfigPtr& config,
                               const std::atomic<bool>& cancelled, const Progress& progress) const;
  // What to ask the enrollment server for, with the password read anew: it may have been changed.
  [[nodiscard]] Result<EnrollmentOrder> order(const std::string& overlay) const;

 private:
  [[nodiscard]] Result<Loaded> kept(const config::ConfigPtr& config, const security::Crypto& crypto, Wall now) const;

  CredentialOptions options_;
};

[[nodiscard]] security::CredentialLife life_of(const security::Credential& credential, Wall came);

}  // namespace reload::io
