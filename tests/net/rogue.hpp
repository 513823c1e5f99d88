// A TLS client that may do everything wrong: plain OpenSSL on a socket, and messages made by hand. It never blocks;
// `pump` takes what is there.
#pragma once

#include <openssl/ssl.h>

#include <string>
#include <vector>

#include "reload/config/overlay_config.hpp"
#include "reload/security/credentials.hpp"
#include "reload/wire/codec.hpp"

namespace reload::net {

class Rogue {
 public:
  // Connects at once. Without a credential it shows no certificate.
  Rogue(const wire::IpAddressPort& to, security::CredentialPtr credential);
  ~Rogue();
  Rogue(const Rogue&) = delete;
  Rogue& operator=(const Rogue&) = delete;

  void pump();
  [[nodiscard]] bool up();      // pumps; the handshake is done as far as this side knows
  [[nodiscard]] bool closed();  // pumps; the other side has closed
  void send(ByteView plain);
  void send_raw(ByteView bytes);  // past TLS
  void send_message(ByteView message);
  void hang_up();  // without a word
  // The messages received so far, without their frames.
  [[nodiscard]] std::vector<Bytes> messages() const;
  [[nodiscard]] const security::CredentialPtr& credential() const { return credential_; }

 private:
  int socket_ = -1;
  SSL_CTX* context_;
  SSL* ssl_;
  security::CredentialPtr credential_;
  bool up_ = false;
  bool closed_ = false;
  std::uint32_t sequence_ = 0;
  Bytes received_;
};

// A request as its signer would make it; change what is to be wrong, then take its bytes.
struct Crafted {
  Crafted(const config::OverlayConfig& config, const wire::Destination& to, wire::MessageCode code, Bytes content);

  wire::ForwardingHeader header;
  wire::MessageCode code;
  Bytes body;
  bool spoil_signature = false;

  [[nodiscard]] Bytes bytes(const security::Credential& signer, const security::Crypto& crypto) const;
};

// What came back: the code of an answer or error, by transaction; nothing yet if there is none.
struct Reply {
  wire::MessageCode code;
  wire::ErrorCode error;  // of code error
};
[[nodiscard]] std::optional<Reply> reply_to(const Rogue& rogue, TransactionId transaction);

}  // namespace reload::net
