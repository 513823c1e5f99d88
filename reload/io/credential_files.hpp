// Files of credentials as reload-certs writes them: private key and certificates in PEM, one credential after the
// other.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "reload/security/credentials.hpp"

namespace reload::io {

// All credentials of a file, in its order. A private key begins a credential; the first certificate after it is its
// own, further ones are intermediate authorities. The failure names the file and the credential, never key material.
[[nodiscard]] Result<std::vector<security::CredentialPtr>> load_credentials(const std::string& path,
                                                                            const security::Crypto& crypto,
                                                                            std::size_t node_id_length);

// The same from the file's text.
[[nodiscard]] Result<std::vector<security::CredentialPtr>> parse_credentials(std::string_view text,
                                                                             const security::Crypto& crypto,
                                                                             std::size_t node_id_length);

// A credential as it stands in such a file. The caller guards the text.
[[nodiscard]] Result<std::string> credential_text(const security::Credential& credential);

// What to say when others than the owner may use a file with secrets.
[[nodiscard]] std::optional<std::string> exposure_warning(const std::string& path);

}  // namespace reload::io
