// X.509 certificates made by OpenSSL, in the forms that RELOAD asks for (6940 11.3).
#pragma once

#include "reload/io/x509_parts.hpp"

namespace reload::certs {

using io::CertificateHandle;
using io::Identity;
using io::SecretText;
using io::Validity;

[[nodiscard]] Result<CertificateHandle> parse_certificate(std::string_view pem);
[[nodiscard]] std::string certificate_pem(X509& certificate);
[[nodiscard]] Bytes certificate_der(X509& certificate);
[[nodiscard]] std::string serial_hex(X509& certificate);
[[nodiscard]] Result<Wall> not_after(X509& certificate);

// Whether `key` is the one that `certificate` certifies.
[[nodiscard]] bool is_key_of(const security::PrivateKey& key, X509& certificate);

// A root of this common name: self-signed, may sign certificates and nothing below it may.
[[nodiscard]] Result<CertificateHandle> make_root(const std::string& name, const security::PrivateKey& key,
                                                  const Validity& validity);

// A certificate by 6940 11.3: empty subject; in a critical subjectAltName (RFC 5280 4.2.1.6 wants it critical when the
// subject is empty, T31) a RELOAD URI for each Node-ID and the user name, and nothing else.
[[nodiscard]] Result<CertificateHandle> make_leaf(const Identity& identity, const std::string& overlay,
                                                  EVP_PKEY& public_key, const Validity& validity, X509& issuer,
                                                  const security::PrivateKey& issuer_key);

// A web server's certificate (RFC 2818 3.1, RFC 5280): for these domain names and IP addresses, which are well-formed.
[[nodiscard]] Result<CertificateHandle> make_web_leaf(const std::vector<std::string>& domains,
                                                      const std::vector<std::string>& addresses,
                                                      const security::PrivateKey& key, const Validity& validity,
                                                      X509& issuer, const security::PrivateKey& issuer_key);

}  // namespace reload::certs
