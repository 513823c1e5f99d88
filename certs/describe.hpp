// What a file of this tool says, as JSON; never a private key.
#pragma once

#include <nlohmann/json.hpp>

#include "reload/config/overlay_config.hpp"
#include "reload/security/crypto.hpp"

namespace reload::certs {

using Json = nlohmann::ordered_json;

// One certificate, RELOAD's or another.
[[nodiscard]] Json describe_certificate(ByteView der, Wall now, const security::Crypto& crypto);
// A PEM or DER file: how many keys, and the first `limit` certificates (0: all).
[[nodiscard]] Result<Json> describe_certificates(const std::string& text, std::size_t limit, Wall now,
                                                 const security::Crypto& crypto);
// A configuration document: its settings, Kinds and whose signatures are valid.
[[nodiscard]] Result<Json> describe_document(const std::string& text, Wall now, const security::Crypto& crypto);

// The same for people: one `key: value` a line, nested things indented.
[[nodiscard]] std::string to_text(const Json& json);

}  // namespace reload::certs
