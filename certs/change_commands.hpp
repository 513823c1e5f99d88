// Commands that change an overlay while it runs: its document, who is in it, and the keys at its top.
#pragma once

#include <functional>

#include "certs/commands.hpp"
#include "certs/config_change.hpp"

namespace reload::certs {

// Gives the document in the directory to peers, by name or the document's bootstrap nodes if none is named; the rest of
// the overlay gets it from them. Handed in, because it needs all that a client is made of.
using Push = std::function<Result<void>(const Path& dir, const std::vector<std::string>& peers, const Streams&)>;

struct PushOptions {
  std::vector<std::string> peers;
  bool none = false;
};

struct ConfigSetOptions {
  Path dir;
  ConfigChange change;
  bool dry_run = false;
  PushOptions push;
};
[[nodiscard]] Result<void> run_config_set(const ConfigSetOptions& options, Wall now, const Push& push,
                                          const Streams& streams);

struct RevokeOptions {
  Path dir;
  std::string user;
  std::vector<std::string> devices;
  std::vector<std::string> node_ids;
  Path file;
  PushOptions push;
};
[[nodiscard]] Result<void> run_revoke(const RevokeOptions& options, Wall now, const Push& push, const Streams& streams);

struct RollOptions {
  Path dir;
  bool finish = false;
  bool force = false;
  io::KeyType key_type = io::KeyType::ecdsa_p256;
  unsigned days = 3650;
  PushOptions push;
};
[[nodiscard]] Result<void> run_roll_signer(const RollOptions& options, Wall now, const Push& push,
                                           const Streams& streams);
[[nodiscard]] Result<void> run_roll_ca(const RollOptions& options, Wall now, const Push& push, const Streams& streams);

}  // namespace reload::certs
