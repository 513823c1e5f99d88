#include "reload/io/x509_parts.hpp"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <array>

namespace reload::io {
namespace {

constexpr int kCritical = 1;

template <class T, auto Free>
using Handle = std::unique_ptr<T, Freer<Free>>;

bool set_random_serial(X509& certificate) {
  std::array<std::uint8_t, 16> serial{};
  if (RAND_bytes(serial.data(), static_cast<int>(serial.size())) != 1) return false;
  const Handle<BIGNUM, BN_free> number(BN_bin2bn(serial.data(), static_cast<int>(serial.size()), nullptr));
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(&certificate)) != nullptr;
}

bool set_validity(X509& certificate, const Validity& validity) {
  return ASN1_TIME_set(X509_getm_notBefore(&certificate), to_unix_seconds(validity.from)) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(&certificate), to_unix_seconds(validity.until)) != nullptr;
}

bool add_name(GENERAL_NAMES& names, int type, const std::string& text) {
  Handle<GENERAL_NAME, GENERAL_NAME_free> name(GENERAL_NAME_new());
  Handle<ASN1_IA5STRING, ASN1_IA5STRING_free> value(ASN1_IA5STRING_new());
  if (!name || !value) return false;
  if (ASN1_STRING_set(value.get(), text.data(), static_cast<int>(text.size())) != 1) return false;
  GENERAL_NAME_set0_value(name.get(), type, value.release());
  if (sk_GENERAL_NAME_push(&names, name.get()) <= 0) return false;
  (void)name.release();  // the list owns it now
  return true;
}

}  // namespace

SecretText::~SecretText() { OPENSSL_cleanse(text_.data(), text_.size()); }

CertificateHandle begin_certificate(EVP_PKEY* public_key, const Validity& validity) {
  CertificateHandle certificate(X509_new());
  const bool good = certificate && X509_set_version(certificate.get(), X509_VERSION_3) == 1 &&
                    set_random_serial(*certificate) && set_validity(*certificate, validity) &&
                    X509_set_pubkey(certificate.get(), public_key) == 1;
  return good ? std::move(certificate) : nullptr;
}

bool add_subject_alt_name(X509& certificate, const Identity& identity, const std::string& overlay) {
  const Handle<GENERAL_NAMES, GENERAL_NAMES_free> names(GENERAL_NAMES_new());
  if (!names) return false;
  for (const NodeId& id : identity.node_ids) {
    if (!add_name(*names, GEN_URI, security::make_reload_uri(id, overlay))) return false;
  }
  return add_name(*names, GEN_EMAIL, identity.user_name) &&
         X509_add1_ext_i2d(&certificate, NID_subject_alt_name, names.get(), kCritical, X509V3_ADD_DEFAULT) == 1;
}

bool add_key_usage(X509& certificate, std::initializer_list<int> bits) {
  const Handle<ASN1_BIT_STRING, ASN1_BIT_STRING_free> usage(ASN1_BIT_STRING_new());
  if (!usage) return false;
  for (const int bit : bits) {
    if (ASN1_BIT_STRING_set_bit(usage.get(), bit, 1) != 1) return false;
  }
  return X509_add1_ext_i2d(&certificate, NID_key_usage, usage.get(), kCritical, X509V3_ADD_DEFAULT) == 1;
}

}  // namespace reload::io
