#include "certs/signing_request.hpp"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include <array>

namespace reload::certs {
namespace {

using RequestHandle = std::unique_ptr<X509_REQ, io::Freer<X509_REQ_free>>;

struct ExtensionsFreer {
  void operator()(STACK_OF(X509_EXTENSION) * extensions) const {
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
  }
};
using ExtensionsHandle = std::unique_ptr<STACK_OF(X509_EXTENSION), ExtensionsFreer>;

// RFC 5480 2.1.1: a certificate names its curve; parameters of one's own can be a curve that looks like it.
bool names_its_curve(const EVP_PKEY& key) {
  if (!EVP_PKEY_is_a(&key, "EC")) return true;
  std::array<char, 32> encoding{};
  const bool told =
      EVP_PKEY_get_utf8_string_param(&key, OSSL_PKEY_PARAM_EC_ENCODING, encoding.data(), encoding.size(), nullptr) == 1;
  return told && std::string_view(encoding.data()) == OSSL_PKEY_EC_ENCODING_GROUP;
}

Result<std::vector<std::string>> user_names_of(X509_REQ& request) {
  std::vector<std::string> found;
  const ExtensionsHandle extensions(X509_REQ_get_extensions(&request));
  if (!extensions) return found;
  const int first = X509v3_get_ext_by_NID(extensions.get(), NID_subject_alt_name, -1);
  if (first < 0) return found;
  if (X509v3_get_ext_by_NID(extensions.get(), NID_subject_alt_name, first) >= 0)
    return failure("the request has more than one subjectAltName");
  const io::NamesHandle names(static_cast<GENERAL_NAMES*>(X509V3_EXT_d2i(X509v3_get_ext(extensions.get(), first))));
  if (!names) return failure("the request's subjectAltName is malformed");
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    int type = 0;
    const void* value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), i), &type);
    if (type != GEN_EMAIL) continue;
    const auto* text = static_cast<const ASN1_STRING*>(value);
    found.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                       static_cast<std::size_t>(ASN1_STRING_length(text)));
  }
  return found;
}

Result<SigningRequest> parse(ByteView der) {
  if (der.empty() || der.size() > kMaxRequestBytes) return failure("the request is empty or too long");
  const unsigned char* at = der.data();
  const RequestHandle request(d2i_X509_REQ(nullptr, &at, static_cast<long>(der.size())));
  if (!request) return failure("the request is no PKCS#10 in DER");
  if (at != der.data() + der.size()) return failure("the request is followed by stray bytes");
  io::KeyHandle key(X509_REQ_get_pubkey(request.get()));
  // The algorithm first: it bounds what the check of the signature costs.
  if (!key || !io::usable_algorithm(*key) || !names_its_curve(*key))
    return failure("the request's key is neither ECDSA on P-256 or P-384 nor RSA of 2048 to 8192 bits");
  // Whoever asks has the key, and has not copied another's public one.
  if (X509_REQ_verify(request.get(), key.get()) != 1) return failure("the request's signature is wrong");
  auto names = user_names_of(*request);
  if (!names) return tl::unexpected(names.error());
  return SigningRequest{std::move(key), std::move(*names)};
}

}  // namespace

Result<SigningRequest> parse_signing_request(ByteView der) {
  auto request = parse(der);
  ERR_clear_error();
  return request;
}

}  // namespace reload::certs
