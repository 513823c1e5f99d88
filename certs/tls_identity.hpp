// The enrolment server's own certificate: files of the operator's, or one for given names under a CA that is made in
// the overlay's directory (tls-ca.pem, which members are told by --tls-ca).
#pragma once

#include <functional>
#include <mutex>

#include "certs/https_server.hpp"
#include "certs/overlay_dir.hpp"

namespace reload::certs {

struct TlsNames {
  std::vector<std::string> domains;    // the overlay's first (6940 11.3)
  std::vector<std::string> addresses;  // of IP, as text
};

class TlsIdentity {
 public:
  // With both files these are used and read again when they change, else certificates are made here.
  static Result<std::unique_ptr<TlsIdentity>> open(OverlayDir dir, Path certificate, Path key, const TlsNames& names,
                                                   Wall now);
  [[nodiscard]] TlsContextPtr context() const;
  // Makes a new certificate when this one nears its end or the names are others, or reads the operator's when it has
  // changed. With a failure the one before stays.
  [[nodiscard]] Result<void> refresh(const TlsNames& names, Wall now);

 private:
  TlsIdentity(OverlayDir dir, Path certificate, Path key, bool own);
  [[nodiscard]] bool is_good(const TlsNames& names, Wall now) const;
  [[nodiscard]] Result<void> make(const TlsNames& names, Wall now) const;
  [[nodiscard]] Result<void> load();

  OverlayDir dir_;
  Path certificate_;
  Path key_;
  bool own_;            // made here
  std::string loaded_;  // the certificate file's text
  mutable std::mutex mutex_;
  TlsContextPtr context_;
};

}  // namespace reload::certs
