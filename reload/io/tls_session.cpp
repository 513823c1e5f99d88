#include "reload/io/tls_session.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "reload/base/check.hpp"
#include "reload/io/tls_context.hpp"

namespace reload::io {

namespace {

constexpr std::size_t kRecord = 16384;  // the most one TLS record holds

Bytes der_of(X509* certificate) {
  unsigned char* out = nullptr;
  const int size = i2d_X509(certificate, &out);
  Bytes der;
  if (size > 0) der.assign(out, out + size);
  OPENSSL_free(out);
  return der;
}

}  // namespace

TlsSession::TlsSession(const TlsContext& context, Role role) : ssl_(SSL_new(context.get())) {
  RELOAD_CHECK(ssl_ != nullptr);
  in_ = BIO_new(BIO_s_mem());
  out_ = BIO_new(BIO_s_mem());
  BIO_set_mem_eof_return(in_, -1);
  BIO_set_mem_eof_return(out_, -1);
  SSL_set_bio(ssl_, in_, out_);
  if (role == Role::client)
    SSL_set_connect_state(ssl_);
  else
    SSL_set_accept_state(ssl_);
  advance();
}

TlsSession::~TlsSession() { SSL_free(ssl_); }

void TlsSession::fail(int code) {
  const int reason = SSL_get_error(ssl_, code);
  if (reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE) return;
  if (reason == SSL_ERROR_ZERO_RETURN) {
    state_ = State::closed;
    fault_ = "closed by the other side";
  } else {
    char text[256] = "unexpected end of the TLS stream";
    if (const unsigned long error = ERR_get_error()) ERR_error_string_n(error, text, sizeof text);
    state_ = State::failed;
    fault_ = text;
  }
  ERR_clear_error();
}

void TlsSession::advance() {
  ERR_clear_error();
  if (state_ == State::handshaking) {
    const int code = SSL_do_handshake(ssl_);
    if (code != 1) return fail(code);
    state_ = State::open;
  }
  while (state_ == State::open) {
    const std::size_t old_size = plain_.size();
    plain_.resize(old_size + kRecord);
    std::size_t read = 0;
    const int code = SSL_read_ex(ssl_, plain_.data() + old_size, kRecord, &read);
    plain_.resize(old_size + read);
    if (code != 1) return fail(code);
  }
}

void TlsSession::feed(ByteView encrypted) {
  if (state_ == State::closed || state_ == State::failed) return;
  std::size_t written = 0;
  RELOAD_CHECK(encrypted.empty() || BIO_write_ex(in_, encrypted.data(), encrypted.size(), &written) == 1);
  advance();
}

void TlsSession::write(ByteView plain) {
  RELOAD_CHECK(state_ == State::open);
  ERR_clear_error();
  std::size_t written = 0;
  // A memory BIO takes everything, so a write is never partial.
  if (!plain.empty() && SSL_write_ex(ssl_, plain.data(), plain.size(), &written) != 1) fail(0);
}

void TlsSession::shut_down() {
  if (state_ != State::open) return;
  ERR_clear_error();
  SSL_shutdown(ssl_);
  state_ = State::closed;
  fault_ = "closed here";
}

Bytes TlsSession::take_plain() { return std::exchange(plain_, {}); }

Bytes TlsSession::take_encrypted() {
  Bytes bytes(BIO_ctrl_pending(out_));
  std::size_t read = 0;
  if (!bytes.empty()) RELOAD_CHECK(BIO_read_ex(out_, bytes.data(), bytes.size(), &read) == 1 && read == bytes.size());
  return bytes;
}

std::vector<Bytes> TlsSession::peer_certificates() const {
  std::vector<Bytes> chain;
  X509* leaf = SSL_get0_peer_certificate(ssl_);
  if (leaf == nullptr) return chain;
  chain.push_back(der_of(leaf));
  // On the client's side the chain starts with the leaf itself, on the server's it does not.
  const STACK_OF(X509)* others = SSL_get_peer_cert_chain(ssl_);
  for (int i = 0; i < sk_X509_num(others); ++i) {
    X509* other = sk_X509_value(others, i);
    if (X509_cmp(other, leaf) != 0) chain.push_back(der_of(other));
  }
  return chain;
}

}  // namespace reload::io
