// The parts of X.509 certificates that all of RELOAD's have (6940 11.3), whoever signs them.
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "reload/base/ids.hpp"
#include "reload/base/time.hpp"
#include "reload/io/openssl_crypto.hpp"
#include "reload/io/openssl_handles.hpp"

namespace reload::io {

// Text with a private key in it; wiped from memory when done with.
class SecretText {
 public:
  explicit SecretText(std::string text) : text_(std::move(text)) {}
  SecretText(SecretText&& other) noexcept : text_(std::move(other.text_)) {}
  SecretText& operator=(SecretText&& other) noexcept {
    std::swap(text_, other.text_);
    return *this;
  }
  ~SecretText();
  [[nodiscard]] std::string_view view() const { return text_; }

 private:
  std::string text_;
};

struct Validity {
  Wall from;
  Wall until;
};

// Whom a node's or user's certificate names.
struct Identity {
  std::string user_name;
  std::vector<NodeId> node_ids;
};

// Version, a random serial number, validity and public key; nothing when OpenSSL fails.
[[nodiscard]] CertificateHandle begin_certificate(EVP_PKEY* public_key, const Validity& validity);
// In a critical subjectAltName (RFC 5280 4.2.1.6 wants it critical when the subject is empty, T31) a RELOAD URI for
// each Node-ID and the user name, and nothing else.
[[nodiscard]] bool add_subject_alt_name(X509& certificate, const Identity& identity, const std::string& overlay);
[[nodiscard]] bool add_key_usage(X509& certificate, std::initializer_list<int> bits);  // RFC 5280 4.2.1.3

}  // namespace reload::io
