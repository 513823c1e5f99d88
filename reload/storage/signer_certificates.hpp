// The certificates of stored values, parsed. They stay with the values (6940 6.3.4) and go with every Fetch answer and
// every copy; parsing one each time would cost more than all else in the answer.
#pragma once

#include "reload/base/limits.hpp"
#include "reload/messaging/handler.hpp"
#include "reload/security/trust.hpp"
#include "reload/storage/value_store.hpp"

namespace reload::storage {

class SignerCertificates {
 public:
  void add(const security::CertificatePtr& certificate) { cache_.add(certificate); }
  // Null for a synthetic value, and for one whose kept certificate cannot be read.
  [[nodiscard]] security::CertificatePtr of(const StoredValue& value, const messaging::Context& context);

 private:
  security::CertificateCache cache_{limits::kMaxSignerCertificates};
};

// Puts a certificate into a list unless it is there.
void add_once(std::vector<security::CertificatePtr>& list, const security::CertificatePtr& certificate);

}  // namespace reload::storage
