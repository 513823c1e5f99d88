// Certificate signing requests (PKCS #10), as 6940 11.3 has a node send them.
#pragma once

#include "reload/io/openssl_crypto.hpp"

namespace reload::io {

// The DER of a request for `key`'s certificate, signed by it: an empty subject, and the user name that is wanted as the
// rfc822Name of a subjectAltName in its extensionRequest (T29).
[[nodiscard]] Result<Bytes> make_csr(const security::PrivateKey& key, const std::string& user_name);

}  // namespace reload::io
