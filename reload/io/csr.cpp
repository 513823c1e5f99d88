#include "reload/io/csr.hpp"

#include "reload/io/openssl_handles.hpp"

namespace reload::io {

namespace {

using RequestHandle = std::unique_ptr<X509_REQ, Freer<X509_REQ_free>>;
using NameHandle = std::unique_ptr<GENERAL_NAME, Freer<GENERAL_NAME_free>>;
using StringHandle = std::unique_ptr<ASN1_IA5STRING, Freer<ASN1_IA5STRING_free>>;

struct FreeExtensions {
  void operator()(STACK_OF(X509_EXTENSION) * extensions) const {
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
  }
};

NamesHandle names_of(const std::string& user_name) {
  NamesHandle names(GENERAL_NAMES_new());
  NameHandle name(GENERAL_NAME_new());
  StringHandle text(ASN1_IA5STRING_new());
  if (!names || !name || !text ||
      ASN1_STRING_set(text.get(), user_name.data(), static_cast<int>(user_name.size())) != 1)
    return nullptr;
  GENERAL_NAME_set0_value(name.get(), GEN_EMAIL, text.release());
  if (sk_GENERAL_NAME_push(names.get(), name.get()) <= 0) return nullptr;
  (void)name.release();  // the list owns it now
  return names;
}

// RFC 5280 4.2.1.6: the extension is critical where the subject is empty (T31).
bool add_names(X509_REQ& request, const std::string& user_name) {
  constexpr int kCritical = 1;
  const NamesHandle names = names_of(user_name);
  STACK_OF(X509_EXTENSION)* list = nullptr;
  const bool listed =
      names && X509V3_add1_i2d(&list, NID_subject_alt_name, names.get(), kCritical, X509V3_ADD_DEFAULT) == 1;
  const std::unique_ptr<STACK_OF(X509_EXTENSION), FreeExtensions> extensions(list);
  return listed && X509_REQ_add_extensions(&request, extensions.get()) == 1;
}

}  // namespace

Result<Bytes> make_csr(const security::PrivateKey& key, const std::string& user_name) {
  EVP_PKEY* own = openssl_key(key);
  const RequestHandle request(X509_REQ_new());
  if (own == nullptr || !request || X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) != 1 ||
      X509_REQ_set_pubkey(request.get(), own) != 1 || !add_names(*request, user_name) ||
      X509_REQ_sign(request.get(), own, EVP_sha256()) <= 0)
    return failure("making a certificate request: " + openssl_error());
  unsigned char* der = nullptr;
  const int size = i2d_X509_REQ(request.get(), &der);
  if (size <= 0) return failure("making a certificate request: " + openssl_error());
  Bytes bytes(der, der + size);
  OPENSSL_free(der);
  return bytes;
}

}  // namespace reload::io
