// The self-signed credential that a member makes for itself and keeps (6940 11.3.1).
#pragma once

#include <string>

#include "reload/config/overlay_config.hpp"
#include "reload/security/crypto.hpp"

namespace reload::io {

struct KeptSelfSigned {
  std::string user_name;
  bool made = false;
  bool renewed = false;
};
// The credential of `name` in the file at `path`. Without such a file one is made, with mode 0600. One that is there
// keeps its key, and with it its Node-ID; in the last third of its validity it gets a new certificate. A file that is
// of another user or of another overlay is a failure and stays as it is.
[[nodiscard]] Result<KeptSelfSigned> keep_self_signed(const std::string& path, const std::string& name,
                                                      const config::OverlayConfig& config,
                                                      const security::Crypto& crypto, Wall now);

}  // namespace reload::io
