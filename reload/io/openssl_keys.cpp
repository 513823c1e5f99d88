// The parts of openssl_crypto.hpp that deal with files' texts: keys, certificates and credentials in PEM.
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "reload/base/limits.hpp"
#include "reload/io/openssl_crypto.hpp"
#include "reload/io/openssl_handles.hpp"

namespace reload::io {

namespace {

BioHandle reader(std::string_view text) {
  return BioHandle(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string text_of(BIO& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(&bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

// Without it OpenSSL would ask for a pass phrase on the terminal.
int no_pass_phrase(char*, int, int, void*) { return -1; }

}  // namespace

EVP_PKEY* openssl_key(const security::PrivateKey& key) {
  const auto* own = dynamic_cast<const OpensslPrivateKey*>(&key);
  return own != nullptr ? own->key.get() : nullptr;
}

Result<PrivateKeyPtr> generate_private_key(KeyType type) {
  constexpr unsigned kRsaBits = 2048;
  KeyHandle key(type == KeyType::rsa_2048 ? EVP_RSA_gen(kRsaBits) : EVP_EC_gen("P-256"));
  if (!key) return failure("making a private key: " + openssl_error());
  return std::make_shared<const OpensslPrivateKey>(std::move(key));
}

Result<PrivateKeyPtr> load_private_key(std::string_view pem) {
  const BioHandle bio = reader(pem);
  KeyHandle key(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_pass_phrase, nullptr) : nullptr);
  if (!key) {
    ERR_clear_error();
    return failure("private key: the text holds no PEM private key without pass phrase");
  }
  if (!usable_algorithm(*key))
    return failure("private key: it is neither ECDSA on P-256 or P-384 nor RSA of 2048 to 8192 bits");
  return std::make_shared<const OpensslPrivateKey>(std::move(key));
}

Result<std::string> save_private_key(const security::PrivateKey& key) {
  const BioHandle bio(BIO_new(BIO_s_secmem()));
  EVP_PKEY* own = openssl_key(key);
  if (own == nullptr || !bio ||
      PEM_write_bio_PKCS8PrivateKey(bio.get(), own, nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return failure("private key: it can't be written as PEM: " + openssl_error());
  return text_of(*bio);
}

bool is_key_of(const security::PrivateKey& key, const security::Certificate& certificate) {
  const auto* public_key = dynamic_cast<const OpensslPublicKey*>(certificate.key.get());
  const EVP_PKEY* own = openssl_key(key);
  if (public_key == nullptr || own == nullptr) return false;
  const bool same = EVP_PKEY_eq(own, public_key->key.get()) == 1;
  ERR_clear_error();
  return same;
}

Result<std::vector<Bytes>> load_certificates(std::string_view pem) {
  const BioHandle bio = reader(pem);
  std::vector<Bytes> certificates;
  while (bio) {
    unsigned char* der = nullptr;
    long size = 0;
    if (PEM_bytes_read_bio(&der, &size, nullptr, PEM_STRING_X509, bio.get(), no_pass_phrase, nullptr) != 1) break;
    certificates.emplace_back(der, der + size);
    OPENSSL_free(der);
  }
  ERR_clear_error();
  if (certificates.empty()) return failure("certificate: the text holds no PEM certificate");
  return certificates;
}

std::string save_certificate(ByteView der) {
  const BioHandle bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio(bio.get(), PEM_STRING_X509, "", der.data(), static_cast<long>(der.size())) <= 0) {
    ERR_clear_error();
    return {};
  }
  return text_of(*bio);
}

Result<security::CredentialPtr> load_credential(std::string_view certificates_pem, std::string_view key_pem,
                                                std::size_t node_id_length, const security::Crypto& crypto,
                                                const NodeId& node_id) {
  const auto ders = load_certificates(certificates_pem);
  if (!ders) return tl::unexpected(ders.error());
  auto credential = std::make_shared<security::Credential>();
  for (std::size_t i = 0; i < ders->size(); ++i) {
    auto certificate = crypto.parse_certificate((*ders)[i], node_id_length);
    if (!certificate) return tl::unexpected(certificate.error());
    if (i == 0) {
      credential->certificate = std::move(*certificate);
    } else {
      credential->intermediates.push_back(std::move(*certificate));
    }
  }
  auto key = load_private_key(key_pem);
  if (!key) return tl::unexpected(key.error());
  if (!is_key_of(**key, *credential->certificate)) return failure("private key: it does not fit the certificate");
  credential->key = std::move(*key);
  if (credential->certificate->node_ids.empty())
    return failure("certificate has no Node-ID: no reload URI in its subjectAltName");
  credential->node_id = node_id.is_zero() ? credential->certificate->node_ids.front() : node_id;
  if (!credential->certificate->holds(credential->node_id))
    return failure("certificate does not hold Node-ID " + credential->node_id.hex());
  return security::CredentialPtr(std::move(credential));
}

}  // namespace reload::io
