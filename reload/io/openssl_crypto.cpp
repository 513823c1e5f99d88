#include "reload/io/openssl_crypto.hpp"

#include <openssl/asn1.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <array>

#include "reload/base/check.hpp"
#include "reload/base/limits.hpp"
#include "reload/io/openssl_handles.hpp"

namespace reload::io {

namespace {

using wire::HashAlgorithm;
using wire::SignatureAlgorithm;

constexpr int kMinRsaBits = 2048;
constexpr int kMaxRsaBits = 8192;  // a check with a longer key takes milliseconds

EVP_MD* fetch(const char* name) {
  EVP_MD* digest = EVP_MD_fetch(nullptr, name, nullptr);
  RELOAD_CHECK(digest != nullptr);
  return digest;
}

bool verify_with(EVP_PKEY& key, const EVP_MD& digest, ByteView input, ByteView signature) {
  const DigestContextHandle context(EVP_MD_CTX_new());
  const bool good =
      context && EVP_DigestVerifyInit(context.get(), nullptr, &digest, nullptr, &key) == 1 &&
      EVP_DigestVerify(context.get(), signature.data(), signature.size(), input.data(), input.size()) == 1;
  if (!good) ERR_clear_error();
  return good;
}

// One DER element at the start of `from`, which is moved behind it. Empty: not a definite-length element of that tag.
ByteView take_element(ByteView& from, int wanted_tag, ByteView* content = nullptr) {
  const unsigned char* at = from.data();
  long length = 0;
  int tag = 0;
  int tag_class = 0;
  if (from.empty()) return {};
  const int form = ASN1_get_object(&at, &length, &tag, &tag_class, static_cast<long>(from.size()));
  if ((form & 0x81) != 0 || tag != wanted_tag) {
    ERR_clear_error();
    return {};
  }
  const auto header = static_cast<std::size_t>(at - from.data());
  const std::size_t size = header + static_cast<std::size_t>(length);
  if (size > from.size()) return {};
  const ByteView element = from.first(size);
  if (content != nullptr) *content = element.subspan(header);
  from = from.subspan(size);
  return element;
}

// The three parts of a certificate (RFC 5280 4.1), found without parsing the rest a second time.
struct SignedParts {
  ByteView to_be_signed;
  ByteView algorithm;
  ByteView signature;
};

std::optional<SignedParts> split_certificate(ByteView der) {
  ByteView certificate;
  if (take_element(der, V_ASN1_SEQUENCE, &certificate).empty()) return std::nullopt;
  SignedParts parts;
  ByteView fields;
  parts.to_be_signed = take_element(certificate, V_ASN1_SEQUENCE, &fields);
  parts.algorithm = take_element(certificate, V_ASN1_SEQUENCE);
  ByteView bits;
  if (parts.to_be_signed.empty() || parts.algorithm.empty() ||
      take_element(certificate, V_ASN1_BIT_STRING, &bits).empty() || bits.empty() || bits[0] != 0)
    return std::nullopt;
  parts.signature = bits.subspan(1);
  // RFC 5280 4.1.1.2: the algorithm stands inside the signed part too, and must be the same.
  take_element(fields, 0);  // version, [0]
  if (take_element(fields, V_ASN1_INTEGER).empty()) return std::nullopt;
  if (!equal(take_element(fields, V_ASN1_SEQUENCE), parts.algorithm)) return std::nullopt;
  return parts;
}

Wall to_wall(const ASN1_TIME* time, bool& valid) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) {
    valid = false;
    return {};
  }
  const std::chrono::year_month_day day{std::chrono::year(parts.tm_year + 1900),
                                        std::chrono::month(static_cast<unsigned>(parts.tm_mon + 1)),
                                        std::chrono::day(static_cast<unsigned>(parts.tm_mday))};
  const auto days = std::chrono::sys_days(day).time_since_epoch();
  return Wall(days + std::chrono::hours(parts.tm_hour) + std::chrono::minutes(parts.tm_min) +
              std::chrono::seconds(parts.tm_sec));
}

Bytes name_bytes(const X509_NAME* name) {
  const unsigned char* der = nullptr;
  std::size_t size = 0;
  if (X509_NAME_get0_der(name, &der, &size) != 1) return {};
  return {der, der + size};
}

std::optional<std::string_view> ascii(const ASN1_IA5STRING* text) {
  const std::string_view view(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                              static_cast<std::size_t>(ASN1_STRING_length(text)));
  for (char c : view)
    if (c <= ' ' || c > '~') return std::nullopt;
  return view;
}

// 6940 11.3: Node-IDs, overlay and user name from the subjectAltName. Other kinds of names are left alone (RFC 7650
// puts more there).
Result<void> read_names(X509& x509, std::size_t node_id_length, security::Certificate& certificate) {
  int critical = 0;
  const NamesHandle names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(&x509, NID_subject_alt_name, &critical, nullptr)));
  if (!names) {
    ERR_clear_error();
    if (critical != -1) return failure("certificate's subjectAltName is malformed or there twice");
    return {};
  }
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_EMAIL) {
      const auto user = ascii(name->d.rfc822Name);
      if (!user || user->empty()) return failure("certificate's rfc822Name is empty or not printable ASCII");
      if (!certificate.user_name.empty()) return failure("certificate has more than one rfc822Name");
      certificate.user_name = *user;
    } else if (name->type == GEN_URI) {
      const auto text = ascii(name->d.uniformResourceIdentifier);
      if (!text) return failure("certificate has a URI that is not printable ASCII");
      if (!security::is_reload_uri(*text)) continue;
      auto uri = security::parse_reload_uri(*text, node_id_length);
      if (!uri)
        return failure("certificate's URI " + std::string(*text) + " holds no Node-ID of " +
                       std::to_string(node_id_length) + " bytes in reload://HEX@OVERLAY/");
      if (!certificate.node_ids.empty() && certificate.overlay != uri->overlay)
        return failure("certificate has reload URIs of two overlays");
      if (certificate.holds(uri->node_id)) return failure("certificate has the same Node-ID twice");
      if (certificate.node_ids.size() == limits::kMaxNodeIdsInCertificate)
        return failure("certificate has more than " + std::to_string(limits::kMaxNodeIdsInCertificate) + " Node-IDs");
      certificate.node_ids.push_back(uri->node_id);
      certificate.overlay = std::move(uri->overlay);
    }
  }
  return {};
}

// RFC 5280 4.2.1.3, 4.2.1.9: what makes a certificate a CA's.
Result<void> read_constraints(X509& x509, security::Certificate& certificate) {
  const std::uint32_t flags = X509_get_extension_flags(&x509);
  if ((flags & EXFLAG_INVALID) != 0) return failure("certificate has a malformed extension");
  if ((flags & EXFLAG_CRITICAL) != 0) return failure("certificate has a critical extension that is not supported");
  if (X509_get_ext_by_NID(&x509, NID_name_constraints, -1) >= 0)
    return failure("certificate has name constraints, which are not supported");
  const bool may_sign = (flags & EXFLAG_KUSAGE) == 0 || (X509_get_key_usage(&x509) & KU_KEY_CERT_SIGN) != 0;
  certificate.is_ca = (flags & EXFLAG_CA) != 0 && may_sign;
  if (const long limit = X509_get_pathlen(&x509); limit >= 0) certificate.path_limit = static_cast<unsigned>(limit);
  return {};
}

}  // namespace

std::optional<SignatureAlgorithm> usable_algorithm(const EVP_PKEY& key) {
  const int bits = EVP_PKEY_get_bits(&key);
  if (EVP_PKEY_is_a(&key, "RSA")) {
    if (bits >= kMinRsaBits && bits <= kMaxRsaBits) return SignatureAlgorithm::rsa;
    return std::nullopt;
  }
  if (!EVP_PKEY_is_a(&key, "EC")) return std::nullopt;
  std::array<char, 64> curve{};
  if (EVP_PKEY_get_group_name(&key, curve.data(), curve.size(), nullptr) != 1) {
    ERR_clear_error();
    return std::nullopt;
  }
  const std::string_view name(curve.data());
  if (name == SN_X9_62_prime256v1 || name == SN_secp384r1) return SignatureAlgorithm::ecdsa;
  return std::nullopt;
}

std::string openssl_error() {
  std::array<char, 256> text{};
  const unsigned long code = ERR_peek_last_error();
  if (code == 0) return "no details";
  ERR_error_string_n(code, text.data(), text.size());
  ERR_clear_error();
  return text.data();
}

OpensslCrypto::OpensslCrypto()
    : sha1_(fetch("SHA1")), sha256_(fetch("SHA256")), sha384_(fetch("SHA384")), sha512_(fetch("SHA512")) {}

OpensslCrypto::~OpensslCrypto() {
  for (EVP_MD* digest : {sha1_, sha256_, sha384_, sha512_}) EVP_MD_free(digest);
}

const EVP_MD* OpensslCrypto::digest(HashAlgorithm algorithm) const {
  switch (algorithm) {
    case HashAlgorithm::sha1:
      return sha1_;
    case HashAlgorithm::sha256:
      return sha256_;
    case HashAlgorithm::sha384:
      return sha384_;
    case HashAlgorithm::sha512:
      return sha512_;
    default:
      return nullptr;
  }
}

Bytes OpensslCrypto::hash(HashAlgorithm algorithm, std::initializer_list<ByteView> parts) const {
  const EVP_MD* function = digest(algorithm);
  if (function == nullptr) return {};
  const DigestContextHandle context(EVP_MD_CTX_new());
  RELOAD_CHECK(context && EVP_DigestInit_ex2(context.get(), function, nullptr) == 1);
  for (const ByteView part : parts) RELOAD_CHECK(EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1);
  Bytes result(static_cast<std::size_t>(EVP_MD_get_size(function)));
  RELOAD_CHECK(EVP_DigestFinal_ex(context.get(), result.data(), nullptr) == 1);
  return result;
}

Result<Bytes> OpensslCrypto::sign(const security::PrivateKey& key, ByteView input) const {
  EVP_PKEY* own = openssl_key(key);
  if (own == nullptr) return failure("signing: the private key is of another crypto backend");
  const DigestContextHandle context(EVP_MD_CTX_new());
  Bytes signature(static_cast<std::size_t>(EVP_PKEY_get_size(own)));
  std::size_t size = signature.size();
  if (!context || EVP_DigestSignInit(context.get(), nullptr, sha256_, nullptr, own) != 1 ||
      EVP_DigestSign(context.get(), signature.data(), &size, input.data(), input.size()) != 1)
    return failure("signing: " + openssl_error());
  signature.resize(size);
  return signature;
}

bool OpensslCrypto::verify(const security::PublicKey& key, HashAlgorithm hash, SignatureAlgorithm algorithm,
                           ByteView input, ByteView signature) const {
  const auto* own = dynamic_cast<const OpensslPublicKey*>(&key);
  // SHA-1 names certificates and resources, but a signature over it proves nothing any more.
  const EVP_MD* function = hash == HashAlgorithm::sha1 ? nullptr : digest(hash);
  if (own == nullptr || function == nullptr || usable_algorithm(*own->key) != algorithm) return false;
  return verify_with(*own->key, *function, input, signature);
}

Result<security::CertificatePtr> OpensslCrypto::parse_certificate(ByteView der, std::size_t node_id_length) const {
  if (der.size() > limits::kMaxCertificateBytes)
    return failure("certificate is longer than " + std::to_string(limits::kMaxCertificateBytes) + " bytes");
  const unsigned char* at = der.data();
  const CertificateHandle x509(der.empty() ? nullptr : d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (!x509) {
    ERR_clear_error();
    return failure("certificate is no X.509 certificate in DER");
  }
  if (at != der.data() + der.size()) return failure("certificate is followed by stray bytes");

  auto certificate = std::make_shared<security::Certificate>();
  certificate->der = SharedBytes(to_bytes(der));
  bool times_valid = true;
  certificate->not_before = to_wall(X509_get0_notBefore(x509.get()), times_valid);
  certificate->not_after = to_wall(X509_get0_notAfter(x509.get()), times_valid);
  if (!times_valid) return failure("certificate's validity is malformed");
  certificate->issuer = name_bytes(X509_get_issuer_name(x509.get()));
  certificate->subject = name_bytes(X509_get_subject_name(x509.get()));
  if (auto constraints = read_constraints(*x509, *certificate); !constraints)
    return tl::unexpected(constraints.error());
  if (auto names = read_names(*x509, node_id_length, *certificate); !names) return tl::unexpected(names.error());

  KeyHandle key(X509_get_pubkey(x509.get()));
  const auto algorithm = key ? usable_algorithm(*key) : std::nullopt;
  if (!algorithm) {
    ERR_clear_error();
    return failure("certificate's key is neither ECDSA on P-256 or P-384 nor RSA of 2048 to 8192 bits");
  }
  certificate->key_algorithm = *algorithm;
  unsigned char* info = nullptr;
  const int info_size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509.get()), &info);
  if (info_size <= 0) return failure("certificate's key can't be encoded: " + openssl_error());
  certificate->public_key_info.assign(info, info + info_size);
  OPENSSL_free(info);
  certificate->key = std::make_shared<OpensslPublicKey>(std::move(key));

  std::ranges::copy(hash(HashAlgorithm::sha256, {der}), certificate->hash.begin());
  if (certificate->node_ids.size() > 1) {
    for (const NodeId& id : certificate->node_ids)
      std::ranges::copy(hash(HashAlgorithm::sha256, {id.view(), der}),
                        certificate->identity_hashes.emplace_back().begin());
  }
  return security::CertificatePtr(std::move(certificate));
}

bool OpensslCrypto::is_issued_by(const security::Certificate& certificate, const security::Certificate& issuer) const {
  const auto* key = dynamic_cast<const OpensslPublicKey*>(issuer.key.get());
  const auto parts = split_certificate(certificate.der.view());
  if (key == nullptr || !parts) return false;
  const unsigned char* at = parts->algorithm.data();
  const AlgorithmHandle algorithm(d2i_X509_ALGOR(nullptr, &at, static_cast<long>(parts->algorithm.size())));
  if (!algorithm) {
    ERR_clear_error();
    return false;
  }
  const ASN1_OBJECT* object = nullptr;
  X509_ALGOR_get0(&object, nullptr, nullptr, algorithm.get());
  switch (OBJ_obj2nid(object)) {
    case NID_ecdsa_with_SHA256:
      return verify(*key, HashAlgorithm::sha256, SignatureAlgorithm::ecdsa, parts->to_be_signed, parts->signature);
    case NID_ecdsa_with_SHA384:
      return verify(*key, HashAlgorithm::sha384, SignatureAlgorithm::ecdsa, parts->to_be_signed, parts->signature);
    case NID_ecdsa_with_SHA512:
      return verify(*key, HashAlgorithm::sha512, SignatureAlgorithm::ecdsa, parts->to_be_signed, parts->signature);
    case NID_sha256WithRSAEncryption:
      return verify(*key, HashAlgorithm::sha256, SignatureAlgorithm::rsa, parts->to_be_signed, parts->signature);
    case NID_sha384WithRSAEncryption:
      return verify(*key, HashAlgorithm::sha384, SignatureAlgorithm::rsa, parts->to_be_signed, parts->signature);
    case NID_sha512WithRSAEncryption:
      return verify(*key, HashAlgorithm::sha512, SignatureAlgorithm::rsa, parts->to_be_signed, parts->signature);
    default:
      return false;
  }
}

}  // namespace reload::io
