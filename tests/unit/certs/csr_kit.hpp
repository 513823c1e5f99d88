// Certificate signing requests as members make them, and as they should not.
#pragma once

#include "certs/pki.hpp"

struct CsrSpec {
  EVP_PKEY* key = nullptr;
  EVP_PKEY* signed_by = nullptr;    // default: `key`
  std::vector<std::string> emails;  // of the subjectAltName
  std::vector<std::string> uris;
  std::vector<std::string> domains;
  std::string common_name;
};
[[nodiscard]] reload::Bytes make_csr(const CsrSpec& spec);
[[nodiscard]] reload::io::KeyHandle make_rsa(unsigned bits);
[[nodiscard]] reload::io::KeyHandle make_ec(const char* curve, bool named_curve = true);
[[nodiscard]] reload::io::KeyHandle make_ed25519();
