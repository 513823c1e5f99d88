// Where the overlay's configuration document comes from (6940 11.2), and the first fetch of it, which waits.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "reload/config/discovery.hpp"
#include "reload/io/https.hpp"
#include "reload/security/crypto.hpp"

namespace reload::io {

// As the user gives it: a file, or the overlay's name with or without the server's URL.
struct ConfigSourceOptions {
  std::string file;        // --overlay-config
  std::string overlay;     // --overlay
  std::string url;         // --config-url
  std::string dns_server;  // --dns-server
  std::string ca_file;     // --tls-ca
};

// What a wait is for, in words, when it begins.
using Progress = std::function<void(const std::string&)>;

class ConfigSource {
 public:
  // The failure names the option and the cure.
  static Result<ConfigSource> make(const ConfigSourceOptions& options);

  // The option that names it, and its value.
  [[nodiscard]] std::string in_words() const;
  // The document as it is there now, unchecked; nothing of it when it is still the one with `known_tag`. Waits up to
  // kConfigFetchTime; setting `cancelled` ends it within a second or so. Safe on any thread.
  [[nodiscard]] Result<HttpsBody> fetch(const std::string& known_tag, Rng& rng, const std::atomic<bool>& cancelled,
                                        const Progress& progress) const;
  [[nodiscard]] const std::string& file() const { return options_.file; }  // empty: it comes over the network

  struct Loaded {
    config::ConfigPtr config;
    std::string warning;  // why it is not the one asked for, if so
  };
  // The configuration to begin with, verified: the source's, or the one kept in `state_directory` when that is newer or
  // the source is out of reach. What came over the network is kept there. An empty `state_directory`: nothing is kept.
  [[nodiscard]] Result<Loaded> load(const std::string& state_directory, const security::Crypto& crypto, Rng& rng,
                                    Wall now, const Progress& progress) const;

 private:
  [[nodiscard]] Result<HttpsBody> get(const std::vector<wire::IpAddressPort>& at, const std::string& known_tag,
                                      const std::atomic<bool>& cancelled, const Progress& progress) const;
  [[nodiscard]] Result<std::vector<wire::IpAddressPort>> servers(Rng& rng, const std::atomic<bool>& cancelled,
                                                                 const Progress& progress) const;
  [[nodiscard]] std::string url() const;
  [[nodiscard]] Result<config::ConfigPtr> read(ByteView document, const security::Crypto& crypto, Wall now) const;

  ConfigSourceOptions options_;
  std::optional<wire::IpAddressPort> dns_server_;
};

}  // namespace reload::io
