#include "tests/unit/certs/csr_kit.hpp"

#include <openssl/core_names.h>
#include <openssl/rsa.h>

#include "reload/base/check.hpp"

using namespace reload;

namespace {

using RequestHandle = std::unique_ptr<X509_REQ, io::Freer<X509_REQ_free>>;

void add_names(GENERAL_NAMES& names, int type, const std::vector<std::string>& texts) {
  for (const std::string& text : texts) {
    GENERAL_NAME* name = GENERAL_NAME_new();
    ASN1_IA5STRING* value = ASN1_IA5STRING_new();
    RELOAD_CHECK(ASN1_STRING_set(value, text.data(), static_cast<int>(text.size())) == 1);
    GENERAL_NAME_set0_value(name, type, value);
    RELOAD_CHECK(sk_GENERAL_NAME_push(&names, name) > 0);
  }
}

void add_extensions(X509_REQ& request, const CsrSpec& spec) {
  const io::NamesHandle names(GENERAL_NAMES_new());
  add_names(*names, GEN_EMAIL, spec.emails);
  add_names(*names, GEN_URI, spec.uris);
  add_names(*names, GEN_DNS, spec.domains);
  if (sk_GENERAL_NAME_num(names.get()) == 0) return;
  STACK_OF(X509_EXTENSION)* extensions = nullptr;
  RELOAD_CHECK(X509V3_add1_i2d(&extensions, NID_subject_alt_name, names.get(), 0, X509V3_ADD_DEFAULT) == 1);
  RELOAD_CHECK(X509_REQ_add_extensions(&request, extensions) == 1);
  sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
}

}  // namespace

Bytes make_csr(const CsrSpec& spec) {
  const RequestHandle request(X509_REQ_new());
  RELOAD_CHECK(X509_REQ_set_pubkey(request.get(), spec.key) == 1);
  if (!spec.common_name.empty()) {
    X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(request.get()), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(spec.common_name.c_str()), -1, -1, 0);
  }
  add_extensions(*request, spec);
  EVP_PKEY* signer = spec.signed_by != nullptr ? spec.signed_by : spec.key;
  RELOAD_CHECK(X509_REQ_sign(request.get(), signer, EVP_PKEY_is_a(signer, "ED25519") ? nullptr : EVP_sha256()) > 0);
  unsigned char* der = nullptr;
  const int size = i2d_X509_REQ(request.get(), &der);
  RELOAD_CHECK(size > 0);
  Bytes bytes(der, der + size);
  OPENSSL_free(der);
  return bytes;
}

io::KeyHandle make_rsa(unsigned bits) { return io::KeyHandle(EVP_RSA_gen(bits)); }

io::KeyHandle make_ed25519() { return io::KeyHandle(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")); }

io::KeyHandle make_ec(const char* curve, bool named_curve) {
  io::KeyHandle key(EVP_EC_gen(curve));
  if (!named_curve)
    RELOAD_CHECK(EVP_PKEY_set_utf8_string_param(key.get(), OSSL_PKEY_PARAM_EC_ENCODING, "explicit") == 1);
  return key;
}
