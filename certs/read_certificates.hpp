// The certificates of a file, whatever else is in it.
#pragma once

#include "certs/files.hpp"
#include "reload/security/crypto.hpp"

namespace reload::certs {

[[nodiscard]] Result<std::vector<security::CertificatePtr>> read_certificates(const Path& path,
                                                                              std::size_t node_id_length,
                                                                              const security::Crypto& crypto);

// How often a line that begins or ends PEM blocks occurs.
[[nodiscard]] std::size_t count_blocks(std::string_view text, std::string_view line);

}  // namespace reload::certs
