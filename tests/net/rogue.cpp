#include "tests/net/rogue.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

#include "reload/base/check.hpp"
#include "reload/io/openssl_crypto.hpp"
#include "reload/io/openssl_handles.hpp"
#include "reload/messaging/envelope.hpp"
#include "reload/messaging/headers.hpp"
#include "reload/security/message_auth.hpp"

namespace reload::net {

Rogue::Rogue(const wire::IpAddressPort& to, security::CredentialPtr credential)
    : context_(SSL_CTX_new(TLS_client_method())), credential_(std::move(credential)) {
  std::signal(SIGPIPE, SIG_IGN);
  RELOAD_CHECK(context_ != nullptr);
  SSL_CTX_set_verify(context_, SSL_VERIFY_NONE, nullptr);
  if (credential_) {
    const unsigned char* der = credential_->certificate->der.view().data();
    const io::CertificateHandle certificate(
        d2i_X509(nullptr, &der, static_cast<long>(credential_->certificate->der.size())));
    RELOAD_CHECK(SSL_CTX_use_certificate(context_, certificate.get()) == 1);
    RELOAD_CHECK(SSL_CTX_use_PrivateKey(context_, io::openssl_key(*credential_->key)) == 1);
  }
  socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(to.port);
  std::memcpy(&address.sin_addr, to.address.data(), 4);
  // The kernel takes the connection into the listener's queue; the listener need not run for that.
  RELOAD_CHECK(::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  RELOAD_CHECK(::fcntl(socket_, F_SETFL, O_NONBLOCK) == 0);
  ssl_ = SSL_new(context_);
  SSL_set_fd(ssl_, socket_);
  SSL_set_connect_state(ssl_);
}

Rogue::~Rogue() {
  hang_up();
  SSL_free(ssl_);
  SSL_CTX_free(context_);
}

void Rogue::hang_up() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
  closed_ = true;
}

void Rogue::pump() {
  if (closed_) return;
  const auto ended = [this](int code) {
    const int reason = SSL_get_error(ssl_, code);
    if (reason != SSL_ERROR_WANT_READ && reason != SSL_ERROR_WANT_WRITE) closed_ = true;
  };
  if (!up_) {
    const int code = SSL_do_handshake(ssl_);
    if (code != 1) return ended(code);
    up_ = true;
  }
  std::array<std::uint8_t, 16384> part{};
  for (;;) {
    std::size_t count = 0;
    const int code = SSL_read_ex(ssl_, part.data(), part.size(), &count);
    if (code != 1) return ended(code);
    append(received_, ByteView(part.data(), count));
  }
}

bool Rogue::up() {
  pump();
  return up_;
}

bool Rogue::closed() {
  pump();
  return closed_;
}

void Rogue::send(ByteView plain) {
  std::size_t count = 0;
  RELOAD_CHECK(SSL_write_ex(ssl_, plain.data(), plain.size(), &count) == 1 && count == plain.size());
}

void Rogue::send_raw(ByteView bytes) {
  RELOAD_CHECK(::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
}

void Rogue::send_message(ByteView message) { send(wire::encode(wire::DataFrame{sequence_++, to_bytes(message)})); }

std::vector<Bytes> Rogue::messages() const {
  std::vector<Bytes> found;
  const ByteView all(received_);
  for (std::size_t at = 0; at < all.size();) {
    if (all[at] == 0x81) {
      at += wire::kAckFrameSize;
      continue;
    }
    if (all.size() - at < wire::kDataFrameHeaderSize) break;
    const std::size_t size = std::size_t{all[at + 5]} << 16 | std::size_t{all[at + 6]} << 8 | all[at + 7];
    at += wire::kDataFrameHeaderSize;
    if (all.size() - at < size) break;
    found.push_back(to_bytes(all.subspan(at, size)));
    at += size;
  }
  return found;
}

Crafted::Crafted(const config::OverlayConfig& config, const wire::Destination& to, wire::MessageCode given_code,
                 Bytes content)
    : code(given_code), body(std::move(content)) {
  static TransactionId last = 1000;
  header = messaging::request_header(config, ++last, {to}, false);
}

Bytes Crafted::bytes(const security::Credential& signer, const security::Crypto& crypto) const {
  Bytes contents = messaging::encode_contents(code, body);
  Bytes input = security::message_signature_input(header.overlay, header.transaction_id, contents);
  const security::CredentialPtr alias(&signer, [](const security::Credential*) {});
  auto result = security::run(security::SignJob{alias, std::move(input)}, crypto);
  auto signature = *std::get<security::SignResult>(result).signature;
  if (spoil_signature) signature.value.back() ^= 1;
  const std::vector certificates{signer.certificate};
  const Bytes sealed = *messaging::seal(std::move(contents), std::move(signature), certificates);
  Bytes message = wire::encode_header(header, sealed.size());
  append(message, sealed);
  return message;
}

std::optional<Reply> reply_to(const Rogue& rogue, TransactionId transaction) {
  for (const Bytes& message : rogue.messages()) {
    const auto decoded = wire::decode_header(message);
    RELOAD_CHECK(decoded.fault == wire::HeaderFault::none);
    if (decoded.header.transaction_id != transaction) continue;
    const auto parsed = wire::parse_body(ByteView(message).subspan(decoded.header_size));
    RELOAD_CHECK(parsed.has_value());
    if (wire::is_request(parsed->code)) continue;
    Reply reply{parsed->code, wire::ErrorCode::invalid};
    if (reply.code == wire::MessageCode::error) reply.error = wire::decode<wire::ErrorResponse>(parsed->body)->code;
    return reply;
  }
  return std::nullopt;
}

}  // namespace reload::net
