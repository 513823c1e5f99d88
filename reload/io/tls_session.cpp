#include "reload/io/tls_session.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "reload/base/check.hpp"
#include "reload/io/link_proof.hpp"
#include "reload/io/tls_context.hpp"

namespace reload::io {

namespace {

constexpr std::size_t kRecord = 16384;  // the most one TLS record holds
const std::string kOtherSecret =
    "; the overlay's links are for those who know its shared-secret: do both sides have the same configuration "
    "document?";

Bytes der_of(X509* certificate) {
  unsigned char* out = nullptr;
  const int size = i2d_X509(certificate, &out);
  Bytes der;
  if (size > 0) der.assign(out, out + size);
  OPENSSL_free(out);
  return der;
}

}  // namespace

TlsSession::TlsSession(const TlsContext& context, Role role)
    : context_(context), role_(role), ssl_(SSL_new(context.get())) {
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
    const bool by_secret = context_.by_secret() && state_ == State::handshaking && !proving_;
    state_ = State::failed;
    fault_ = text;
    if (by_secret) fault_ += kOtherSecret;
  }
  ERR_clear_error();
}

void TlsSession::refuse(const std::string& why) {
  state_ = State::failed;
  fault_ = why;
}

void TlsSession::advance() {
  ERR_clear_error();
  if (state_ == State::handshaking) {
    if (!proving_) {
      const int code = SSL_do_handshake(ssl_);
      if (code != 1) return fail(code);
      if (context_.by_secret()) {
        send_proof();
      } else {
        state_ = State::open;
      }
    }
  }
  read();
}

void TlsSession::read() {
  while (state_ == State::open || (state_ == State::handshaking && proving_)) {
    const std::size_t old_size = plain_.size();
    plain_.resize(old_size + kRecord);
    std::size_t count = 0;
    const int code = SSL_read_ex(ssl_, plain_.data() + old_size, kRecord, &count);
    plain_.resize(old_size + count);
    if (code != 1) return fail(code);
    if (state_ == State::handshaking) look_for_proof();
  }
}

// What both ends of this connection know and nobody else, with a value for each end so that none can send back what the
// other has signed.
Bytes TlsSession::exported(Role of) const {
  constexpr std::string_view kLabel = "EXPORTER-reload-link-proof";
  const std::string_view end = of == Role::client ? "client" : "server";
  Bytes value(kExportedSize);
  RELOAD_CHECK(SSL_export_keying_material(ssl_, value.data(), value.size(), kLabel.data(), kLabel.size(),
                                          reinterpret_cast<const unsigned char*>(end.data()), end.size(), 1) == 1);
  return value;
}

void TlsSession::send_proof() {
  const auto proof = make_link_proof(context_.credential(), exported(role_), context_.crypto());
  if (!proof) return refuse(proof.error().text);
  proving_ = true;
  std::size_t written = 0;
  if (SSL_write_ex(ssl_, proof->data(), proof->size(), &written) != 1) fail(0);
}

void TlsSession::look_for_proof() {
  const auto size = link_proof_size(plain_);
  if (!size) return;
  if (*size > kMaxLinkProof) return refuse("the proof of whose the link is has no right length");
  if (plain_.size() < *size) return;
  const Role other = role_ == Role::client ? Role::server : Role::client;
  auto chain = check_link_proof(ByteView(plain_).first(*size), exported(other), context_.credential().node_id.size(),
                                context_.crypto());
  if (!chain) return refuse(chain.error().text);
  proven_ = std::move(*chain);
  plain_.erase(plain_.begin(), plain_.begin() + static_cast<std::ptrdiff_t>(*size));
  state_ = State::open;
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
  if (context_.by_secret()) return proven_;
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
