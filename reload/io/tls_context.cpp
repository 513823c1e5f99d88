#include "reload/io/tls_context.hpp"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "reload/base/check.hpp"
#include "reload/io/openssl_crypto.hpp"

namespace reload::io {

namespace {

using X509Ptr = std::unique_ptr<X509, decltype(&X509_free)>;

X509Ptr to_x509(const security::Certificate& certificate) {
  const unsigned char* der = certificate.der.view().data();
  return {d2i_X509(nullptr, &der, static_cast<long>(certificate.der.size())), &X509_free};
}

int context_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

void log_key(const SSL* ssl, const char* line) {
  const auto* file = static_cast<const int*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), context_index()));
  const std::string text = std::string(line) + "\n";
  // One write a line: the file is opened for appending, so several processes may share it.
  if (::write(*file, text.data(), text.size()) < 0) return;
}

// Which certificates are good is decided by security/admission as soon as the handshake is done, before any byte of
// the link is read: there RELOAD's own rules (Node-IDs, bad-node list, configured roots) are known.
int accept_any(X509_STORE_CTX*, void*) { return 1; }

std::string last_error() {
  char text[256] = "no details";
  if (const unsigned long code = ERR_get_error()) ERR_error_string_n(code, text, sizeof text);
  ERR_clear_error();
  return text;
}

}  // namespace

Result<std::shared_ptr<TlsContext>> TlsContext::make(const security::Credential& credential,
                                                     std::shared_ptr<const LinkSecret> secret) {
  std::shared_ptr<TlsContext> made(new TlsContext(credential, std::move(secret)));
  made->context_ = SSL_CTX_new(TLS_method());
  SSL_CTX* context = made->context_;
  if (context == nullptr) return failure("TLS: " + last_error());
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  // Links are many and mostly idle: buffers are given back between records.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  const auto usable = made->by_secret() ? use_link_secret(context, *made->secret_) : made->use_certificates();
  if (!usable) return tl::unexpected(usable.error());
  return made;
}

Result<void> TlsContext::use_certificates() {
  SSL_CTX_set_cert_verify_callback(context_, accept_any, nullptr);
  const X509Ptr own = to_x509(*credential_.certificate);
  if (!own || SSL_CTX_use_certificate(context_, own.get()) != 1) return failure("TLS certificate: " + last_error());
  for (const auto& intermediate : credential_.intermediates) {
    const X509Ptr extra = to_x509(*intermediate);
    if (!extra || SSL_CTX_add1_chain_cert(context_, extra.get()) != 1) return failure("TLS chain: " + last_error());
  }
  EVP_PKEY* key = openssl_key(*credential_.key);
  if (key == nullptr || SSL_CTX_use_PrivateKey(context_, key) != 1 || SSL_CTX_check_private_key(context_) != 1)
    return failure("TLS private key does not fit the certificate: " + last_error());
  return {};
}

Result<void> TlsContext::log_keys(const std::string& path) {
  RELOAD_CHECK(key_log_ < 0);
  key_log_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (key_log_ < 0) return failure("cannot write " + path + ": " + std::strerror(errno));
  SSL_CTX_set_ex_data(context_, context_index(), &key_log_);
  SSL_CTX_set_keylog_callback(context_, log_key);
  return {};
}

TlsContext::~TlsContext() {
  SSL_CTX_free(context_);
  if (key_log_ >= 0) ::close(key_log_);
}

}  // namespace reload::io
