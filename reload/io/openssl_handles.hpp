// Owning pointers for OpenSSL's objects, and the keys behind security::PublicKey and PrivateKey; for io's own files.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

#include "reload/security/certificate.hpp"

namespace reload::io {

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using KeyHandle = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using KeyContextHandle = std::unique_ptr<EVP_PKEY_CTX, Freer<EVP_PKEY_CTX_free>>;
using DigestContextHandle = std::unique_ptr<EVP_MD_CTX, Freer<EVP_MD_CTX_free>>;
using CertificateHandle = std::unique_ptr<X509, Freer<X509_free>>;
using AlgorithmHandle = std::unique_ptr<X509_ALGOR, Freer<X509_ALGOR_free>>;
using NamesHandle = std::unique_ptr<GENERAL_NAMES, Freer<GENERAL_NAMES_free>>;
using BasicConstraintsHandle = std::unique_ptr<BASIC_CONSTRAINTS, Freer<BASIC_CONSTRAINTS_free>>;
using BioHandle = std::unique_ptr<BIO, Freer<BIO_free>>;

struct OpensslPublicKey final : security::PublicKey {
  explicit OpensslPublicKey(KeyHandle given) : key(std::move(given)) {}
  KeyHandle key;
};
struct OpensslPrivateKey final : security::PrivateKey {
  explicit OpensslPrivateKey(KeyHandle given) : key(std::move(given)) {}
  KeyHandle key;
};

// Empty for keys that RELOAD can't use here: others than RSA and ECDSA, too short, too long, on another curve.
[[nodiscard]] std::optional<wire::SignatureAlgorithm> usable_algorithm(const EVP_PKEY& key);
// The last thing that went wrong in OpenSSL, in its words; clears its error queue.
[[nodiscard]] std::string openssl_error();

}  // namespace reload::io
