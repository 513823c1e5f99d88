#include "certs/pki.hpp"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <array>
#include <ctime>

#include "reload/base/check.hpp"

namespace reload::certs {
namespace {

constexpr int kCritical = 1;
constexpr int kNotCritical = 0;
constexpr std::size_t kMaxCommonName = 64;  // RFC 5280 appendix A, ub-common-name

template <class T, auto Free>
using Handle = std::unique_ptr<T, io::Freer<Free>>;
using io::BioHandle;

tl::unexpected<Failure> openssl_failure(const std::string& what) { return failure(what + ": " + io::openssl_error()); }

std::string_view content(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

BioHandle reading_bio(std::string_view text) {
  return BioHandle(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// Answers no question for a pass phrase: a tool that runs in scripts must not wait at a terminal.
int no_pass_phrase(char*, int, int, void*) { return -1; }

bool add_basic_constraints(X509& certificate) {
  const Handle<BASIC_CONSTRAINTS, BASIC_CONSTRAINTS_free> constraints(BASIC_CONSTRAINTS_new());
  if (!constraints) return false;
  constraints->ca = 0xff;
  constraints->pathlen = ASN1_INTEGER_new();
  return constraints->pathlen != nullptr && ASN1_INTEGER_set(constraints->pathlen, 0) == 1 &&
         X509_add1_ext_i2d(&certificate, NID_basic_constraints, constraints.get(), kCritical, X509V3_ADD_DEFAULT) == 1;
}

bool add_subject_key_id(X509& certificate) {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  const Handle<ASN1_OCTET_STRING, ASN1_OCTET_STRING_free> id(ASN1_OCTET_STRING_new());
  return id && X509_pubkey_digest(&certificate, EVP_sha1(), digest.data(), &size) == 1 &&
         ASN1_OCTET_STRING_set(id.get(), digest.data(), static_cast<int>(size)) == 1 &&
         X509_add1_ext_i2d(&certificate, NID_subject_key_identifier, id.get(), kNotCritical, X509V3_ADD_DEFAULT) == 1;
}

bool add_authority_key_id(X509& certificate, X509& issuer) {
  const ASN1_OCTET_STRING* id = X509_get0_subject_key_id(&issuer);
  if (id == nullptr) return true;  // RFC 5280 4.2.1.1 takes it from the issuer; an imported root may have none
  const Handle<AUTHORITY_KEYID, AUTHORITY_KEYID_free> authority(AUTHORITY_KEYID_new());
  if (!authority) return false;
  authority->keyid = ASN1_OCTET_STRING_dup(id);
  return authority->keyid != nullptr && X509_add1_ext_i2d(&certificate, NID_authority_key_identifier, authority.get(),
                                                          kNotCritical, X509V3_ADD_DEFAULT) == 1;
}

bool add_text_extension(X509& certificate, int kind, const std::string& text) {
  const Handle<X509_EXTENSION, X509_EXTENSION_free> extension(
      X509V3_EXT_conf_nid(nullptr, nullptr, kind, text.c_str()));
  return extension && X509_add_ext(&certificate, extension.get(), -1) == 1;
}

}  // namespace

Result<CertificateHandle> parse_certificate(std::string_view pem) {
  const BioHandle bio = reading_bio(pem);
  CertificateHandle certificate(bio ? PEM_read_bio_X509(bio.get(), nullptr, no_pass_phrase, nullptr) : nullptr);
  ERR_clear_error();
  if (!certificate) return failure("holds no certificate in PEM form");
  return certificate;
}

bool is_key_of(const security::PrivateKey& key, X509& certificate) {
  const bool fits = X509_check_private_key(&certificate, io::openssl_key(key)) == 1;
  ERR_clear_error();
  return fits;
}

std::string certificate_pem(X509& certificate) {
  const BioHandle bio(BIO_new(BIO_s_mem()));
  RELOAD_CHECK(bio && PEM_write_bio_X509(bio.get(), &certificate) == 1);
  return std::string(content(bio.get()));
}

Bytes certificate_der(X509& certificate) {
  const int size = i2d_X509(&certificate, nullptr);
  RELOAD_CHECK(size > 0);
  Bytes der(static_cast<std::size_t>(size));
  std::uint8_t* out = der.data();
  RELOAD_CHECK(i2d_X509(&certificate, &out) == size);
  return der;
}

std::string serial_hex(X509& certificate) {
  const ASN1_INTEGER* serial = X509_get0_serialNumber(&certificate);
  return to_hex({ASN1_STRING_get0_data(serial), static_cast<std::size_t>(ASN1_STRING_length(serial))});
}

Result<Wall> not_after(X509& certificate) {
  std::tm broken_down{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(&certificate), &broken_down) != 1) {
    return openssl_failure("holds a certificate whose end of validity cannot be read");
  }
  return from_unix_seconds(timegm(&broken_down));
}

Result<CertificateHandle> make_root(const std::string& name, const security::PrivateKey& key,
                                    const Validity& validity) {
  CertificateHandle root = io::begin_certificate(io::openssl_key(key), validity);
  if (!root) return openssl_failure("cannot make a root certificate");
  const std::string common_name = name.substr(0, kMaxCommonName);
  X509_NAME* subject = X509_get_subject_name(root.get());
  const bool good = X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                               reinterpret_cast<const unsigned char*>(common_name.data()),
                                               static_cast<int>(common_name.size()), -1, 0) == 1 &&
                    X509_set_issuer_name(root.get(), subject) == 1 && add_basic_constraints(*root) &&
                    io::add_key_usage(*root, {5, 6}) &&  // keyCertSign, cRLSign (RFC 5280 4.2.1.3)
                    add_subject_key_id(*root) && X509_sign(root.get(), io::openssl_key(key), EVP_sha256()) > 0;
  if (!good) return openssl_failure("cannot make a root certificate");
  return root;
}

Result<CertificateHandle> make_leaf(const Identity& identity, const std::string& overlay, EVP_PKEY& public_key,
                                    const Validity& validity, X509& issuer, const security::PrivateKey& issuer_key) {
  CertificateHandle leaf = io::begin_certificate(&public_key, validity);
  // No extension beyond what RFC 5280 requires: the certificate travels in every message that its owner signs.
  const bool good =
      leaf && X509_set_issuer_name(leaf.get(), X509_get_subject_name(&issuer)) == 1 &&
      io::add_subject_alt_name(*leaf, identity, overlay) && io::add_key_usage(*leaf, {0}) &&  // digitalSignature
      add_authority_key_id(*leaf, issuer) && X509_sign(leaf.get(), io::openssl_key(issuer_key), EVP_sha256()) > 0;
  if (!good) return openssl_failure("cannot make the certificate of " + identity.user_name);
  return leaf;
}

Result<CertificateHandle> make_web_leaf(const std::vector<std::string>& domains,
                                        const std::vector<std::string>& addresses, const security::PrivateKey& key,
                                        const Validity& validity, X509& issuer,
                                        const security::PrivateKey& issuer_key) {
  std::string names = "critical";  // as the subject is empty
  for (const std::string& domain : domains) names += ",DNS:" + domain;
  for (const std::string& address : addresses) names += ",IP:" + address;
  CertificateHandle leaf = io::begin_certificate(io::openssl_key(key), validity);
  const bool good = leaf && X509_set_issuer_name(leaf.get(), X509_get_subject_name(&issuer)) == 1 &&
                    add_text_extension(*leaf, NID_subject_alt_name, names) &&
                    add_text_extension(*leaf, NID_ext_key_usage, "serverAuth") && io::add_key_usage(*leaf, {0}) &&
                    add_authority_key_id(*leaf, issuer) &&
                    X509_sign(leaf.get(), io::openssl_key(issuer_key), EVP_sha256()) > 0;
  if (!good) return openssl_failure("cannot make a web server's certificate for " + names);
  return leaf;
}

}  // namespace reload::certs
