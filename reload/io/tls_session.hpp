// One TLS connection without its socket: encrypted bytes in and out, plain bytes out and in, through memory BIOs.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "reload/base/bytes.hpp"
#include "reload/base/result.hpp"

struct ssl_st;
struct bio_st;

namespace reload::io {

class TlsContext;

class TlsSession {
 public:
  enum class Role : std::uint8_t { client, server };
  enum class State : std::uint8_t { handshaking, open, closed, failed };

  // `context` must live longer.
  TlsSession(const TlsContext& context, Role role);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  // Bytes from the wire. Afterwards look at state, plain and take_encrypted.
  void feed(ByteView encrypted);
  // Plain bytes for the other side; kept by OpenSSL as records until take_encrypted. Precondition: open.
  void write(ByteView plain);
  // Starts an orderly end: close_notify goes to take_encrypted.
  void shut_down();

  // Decrypted bytes since the last call; empty if none.
  [[nodiscard]] Bytes take_plain();
  // What has to go to the wire; empty if nothing.
  [[nodiscard]] Bytes take_encrypted();

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] const std::string& fault() const { return fault_; }
  // DER, the end entity first; set once open.
  [[nodiscard]] std::vector<Bytes> peer_certificates() const;

 private:
  void advance();
  void read();
  void fail(int code);
  void refuse(const std::string& why);
  [[nodiscard]] Bytes exported(Role of) const;
  void send_proof();
  void look_for_proof();

  const TlsContext& context_;
  Role role_;

  ssl_st* ssl_ = nullptr;
  bio_st* in_ = nullptr;   // owned by ssl_
  bio_st* out_ = nullptr;  // owned by ssl_
  State state_ = State::handshaking;
  bool proving_ = false;       // the handshake by the shared secret is done, the other side's proof is to come
  std::vector<Bytes> proven_;  // its certificates, when it has come
  std::string fault_;
  Bytes plain_;
};

}  // namespace reload::io
