// Self-signed credentials (6940 11.3.1): the Node-IDs come from the key, the user name is of the user's choice.
#pragma once

#include "reload/config/overlay_config.hpp"
#include "reload/io/x509_parts.hpp"

namespace reload::io {

struct SelfSignedRequest {
  std::string user_name;  // canonical; empty: a name is made from the first Node-ID
  std::size_t node_id_count = 1;
  Validity validity;
};

struct SelfSigned {
  Identity identity;
  CertificateHandle certificate;
};

// A certificate for `key` by the digest of the document's self-signed-permitted. The failure says when the overlay
// permits none.
[[nodiscard]] Result<SelfSigned> make_self_signed(const SelfSignedRequest& request, const security::PrivateKey& key,
                                                  const config::OverlayConfig& config, const security::Crypto& crypto);

// A comment line, the key and the certificate: one entry of a credential file.
[[nodiscard]] SecretText credential_entry(const Identity& identity, std::string_view key, std::string_view certificate);

}  // namespace reload::io
