#include "certs/tls_identity.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>

#include "reload/config/xml_values.hpp"

namespace reload::certs {
namespace {

constexpr unsigned kAuthorityDays = 3650;
constexpr unsigned kServerDays = 365;
constexpr auto kRenewBefore = std::chrono::hours(24 * 120);

struct WebAuthority {
  io::PrivateKeyPtr key;
  CertificateHandle certificate;
  Wall until;
};

Result<io::PrivateKeyPtr> load_key(const Path& path) {
  auto text = read_file(path);
  if (!text) return tl::unexpected(text.error());
  const SecretText secret(std::move(*text));
  auto key = io::load_private_key(secret.view());
  if (!key) return failure(path.string() + ": " + key.error().text);
  return key;
}

Result<io::PrivateKeyPtr> make_key(const Path& path) {
  auto key = io::generate_private_key(io::KeyType::ecdsa_p256);
  if (!key) return key;
  auto text = io::save_private_key(**key);
  if (!text) return tl::unexpected(text.error());
  const SecretText secret(std::move(*text));
  if (auto written = write_file(path, kPrivateMode, Existing::replace, secret.view()); !written)
    return tl::unexpected(written.error());
  return key;
}

// Of a server that was killed the key may be there and the certificate not.
Result<WebAuthority> web_authority(const OverlayDir& dir, const std::string& overlay, Wall now) {
  auto key = file_exists(dir.tls_ca_key()) ? load_key(dir.tls_ca_key()) : make_key(dir.tls_ca_key());
  if (!key) return tl::unexpected(key.error());
  if (!file_exists(dir.tls_ca())) {
    const auto made = make_root("web CA of " + overlay, **key, validity_for(now, kAuthorityDays));
    if (!made) return tl::unexpected(made.error());
    if (auto written = write_file(dir.tls_ca(), kPublicMode, Existing::replace, certificate_pem(**made)); !written)
      return tl::unexpected(written.error());
  }
  const auto text = read_file(dir.tls_ca());
  if (!text) return tl::unexpected(text.error());
  auto certificate = parse_certificate(*text);
  if (!certificate) return failure(dir.tls_ca().string() + " " + certificate.error().text);
  const std::string cure = ": move both away, and give members the new tls-ca.pem";
  if (!is_key_of(**key, **certificate))
    return failure(dir.tls_ca().string() + " is not of tls-ca.key beside it" + cure);
  const auto until = not_after(**certificate);
  if (!until) return tl::unexpected(until.error());
  if (*until < now + kRenewBefore)
    return failure(dir.tls_ca().string() + " ends " + config::from_time(*until) + cure + " before the server's ends");
  return WebAuthority{std::move(*key), std::move(*certificate), *until};
}

bool has_names(X509& certificate, const TlsNames& names) {
  const io::NamesHandle held(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
  const std::size_t wanted = names.domains.size() + names.addresses.size();
  if (!held || static_cast<std::size_t>(sk_GENERAL_NAME_num(held.get())) != wanted) return false;
  return std::ranges::all_of(names.domains,
                             [&](const std::string& domain) {
                               return X509_check_host(&certificate, domain.data(), domain.size(), 0, nullptr) == 1;
                             }) &&
         std::ranges::all_of(names.addresses, [&](const std::string& address) {
           return X509_check_ip_asc(&certificate, address.c_str(), 0) == 1;
         });
}

}  // namespace

TlsIdentity::TlsIdentity(OverlayDir dir, Path certificate, Path key, bool own)
    : dir_(std::move(dir)), certificate_(std::move(certificate)), key_(std::move(key)), own_(own) {}

Result<std::unique_ptr<TlsIdentity>> TlsIdentity::open(OverlayDir dir, Path certificate, Path key,
                                                       const TlsNames& names, Wall now) {
  const bool own = certificate.empty();
  if (own) {
    certificate = dir.tls_certificate();
    key = dir.tls_key();
  }
  std::unique_ptr<TlsIdentity> identity(new TlsIdentity(std::move(dir), std::move(certificate), std::move(key), own));
  if (auto done = identity->refresh(names, now); !done) return tl::unexpected(done.error());
  return identity;
}

TlsContextPtr TlsIdentity::context() const {
  const std::lock_guard lock(mutex_);
  return context_;
}

Result<void> TlsIdentity::refresh(const TlsNames& names, Wall now) {
  if (own_ && !is_good(names, now)) {
    if (auto made = make(names, now); !made) return made;
  }
  return load();
}

// Whether what is there was made for these names, by the CA that is there, and lasts.
bool TlsIdentity::is_good(const TlsNames& names, Wall now) const {
  if (!file_exists(certificate_) || !file_exists(key_) || !file_exists(dir_.tls_ca())) return false;
  const auto text = read_file(certificate_);
  const auto issuer_text = read_file(dir_.tls_ca());
  const auto key = load_key(key_);
  if (!text || !issuer_text || !key) return false;
  const auto certificate = parse_certificate(*text);
  const auto issuer = parse_certificate(*issuer_text);
  if (!certificate || !issuer || !is_key_of(**key, **certificate)) return false;
  const auto until = not_after(**certificate);
  const bool issued = X509_verify(certificate->get(), X509_get0_pubkey(issuer->get())) == 1;
  ERR_clear_error();
  return issued && until && *until > now + kRenewBefore && has_names(**certificate, names);
}

Result<void> TlsIdentity::make(const TlsNames& names, Wall now) const {
  const auto authority = web_authority(dir_, names.domains.front(), now);
  if (!authority) return tl::unexpected(authority.error());
  const auto key = make_key(key_);
  if (!key) return tl::unexpected(key.error());
  Validity validity = validity_for(now, kServerDays);
  validity.until = std::min(validity.until, authority->until);
  const auto leaf =
      make_web_leaf(names.domains, names.addresses, **key, validity, *authority->certificate, *authority->key);
  if (!leaf) return tl::unexpected(leaf.error());
  return write_file(certificate_, kPublicMode, Existing::replace, certificate_pem(**leaf));
}

Result<void> TlsIdentity::load() {
  auto text = read_file(certificate_);
  if (!text) return tl::unexpected(text.error());
  if (context_ && *text == loaded_) return {};
  const TlsContextPtr context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  const bool good = context && SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) == 1 &&
                    SSL_CTX_use_certificate_chain_file(context.get(), certificate_.c_str()) == 1 &&
                    SSL_CTX_use_PrivateKey_file(context.get(), key_.c_str(), SSL_FILETYPE_PEM) == 1 &&
                    SSL_CTX_check_private_key(context.get()) == 1;
  if (!good) {
    return failure(certificate_.string() + " and " + key_.string() +
                   " are no certificate chain and its key in PEM: " + io::openssl_error());
  }
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);  // a connection has one request
  const std::lock_guard lock(mutex_);
  context_ = context;
  loaded_ = std::move(*text);
  return {};
}

}  // namespace reload::certs
