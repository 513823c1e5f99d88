// This peer's own credential: got at the start, renewed while it runs, given to the node and its links.
#pragma once

#include <memory>

#include "peer/settings.hpp"
#include "reload/io/credential_keeper.hpp"
#include "reload/io/driver.hpp"
#include "reload/io/file_watch.hpp"

namespace reload::peer {

class OwnCredential {
 public:
  // Waits for the enrollment server where it is needed. The failure names the option and the cure.
  static Result<std::unique_ptr<OwnCredential>> open(const Settings& settings, const config::ConfigPtr& config,
                                                     const security::Crypto& crypto, Wall now);
  OwnCredential(const OwnCredential&) = delete;
  OwnCredential& operator=(const OwnCredential&) = delete;

  [[nodiscard]] const security::CredentialPtr& get() const { return credential_; }
  // The option that names it, and its value.
  [[nodiscard]] std::string in_words() const { return source_.in_words(); }
  // What links are made with.
  [[nodiscard]] Result<std::shared_ptr<io::TlsContext>> tls(const security::Credential& credential) const;
  // From now on a new one is got in time and given to the driver's node; `changed` is called after that. All of these
  // outlive this object.
  void start(uv_loop_t* loop, Rng& rng, const node::Node& node, io::Driver& driver, std::function<void()> changed);
  // A new configuration may have a new authority: then a credential of that is got.
  void on_config_changed();
  // A new configuration is in force: links that are made from now on are by its shared secret.
  [[nodiscard]] Result<void> use_secret_of(const config::OverlayConfig& config);
  // Looks into the file again, if it comes from one.
  void reread();
  [[nodiscard]] std::uint64_t renewals() const { return renewals_; }

 private:
  OwnCredential(const Settings& settings, io::CredentialSource source, const security::Crypto& crypto);
  Result<void> take(const security::CredentialPtr& credential);
  void watch_life();
  void renew_self_signed();

  std::string key_log_;
  std::string self_signed_;  // --self-signed
  io::CredentialSource source_;
  const security::Crypto& crypto_;
  std::optional<std::string> shared_secret_;      // the document's
  std::shared_ptr<const io::LinkSecret> secret_;  // of an overlay that has one
  security::CredentialPtr credential_;
  security::CredentialLife life_;
  const node::Node* node_ = nullptr;
  io::Driver* driver_ = nullptr;
  std::function<void()> changed_;
  std::unique_ptr<io::CredentialKeeper> keeper_;  // of one that was enrolled
  std::unique_ptr<io::FileWatch> watch_;          // of one in a file
  std::unique_ptr<io::UvTimer> reminder_;
  std::uint64_t renewals_ = 0;
};

}  // namespace reload::peer
