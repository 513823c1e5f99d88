// TLS settings of a node, made once from its credential and shared by all its links (6940 6.6: mutual certificates
// always).
#pragma once

#include <memory>
#include <string>

#include "reload/security/credentials.hpp"

struct ssl_ctx_st;

namespace reload::io {

class TlsContext {
 public:
  static Result<std::shared_ptr<TlsContext>> make(const security::Credential& credential);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  // From now on the secrets of every session are appended to the file in the NSS format, so that a capture can be
  // decrypted; for debugging only.
  Result<void> log_keys(const std::string& path);

  [[nodiscard]] ssl_ctx_st* get() const { return context_; }

 private:
  TlsContext() = default;
  ssl_ctx_st* context_ = nullptr;
  int key_log_ = -1;
};

}  // namespace reload::io
