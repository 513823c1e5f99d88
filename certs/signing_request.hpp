// A certificate signing request (PKCS#10, RFC 2986) as a member sends it: which key, for which user name.
#pragma once

#include <string>
#include <vector>

#include "reload/base/result.hpp"
#include "reload/io/openssl_handles.hpp"

namespace reload::certs {

inline constexpr std::size_t kMaxRequestBytes = 16384;  // an RSA key of 8192 bits and its signature take 2.5 KiB

struct SigningRequest {
  io::KeyHandle key;
  // Every rfc822Name in the subjectAltName of the extensionRequest (T29), as it stands there. Nothing else that is
  // asked for is looked at: what is in the certificate says the server.
  std::vector<std::string> user_names;
};

// DER without anything behind it, signed by the key in it, which must be one that RELOAD can use here.
[[nodiscard]] Result<SigningRequest> parse_signing_request(ByteView der);

}  // namespace reload::certs
