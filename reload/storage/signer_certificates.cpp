#include "reload/storage/signer_certificates.hpp"

#include <algorithm>

namespace reload::storage {

security::CertificatePtr SignerCertificates::of(const StoredValue& value, const messaging::Context& context) {
  if (value.certificate.empty()) return nullptr;
  if (security::CertificatePtr known = cache_.find(value.certificate_hash)) return known;
  const auto parsed = context.crypto.parse_certificate(value.certificate.view(), context.config.node_id_length);
  if (!parsed) return nullptr;
  cache_.add(*parsed);
  return *parsed;
}

void add_once(std::vector<security::CertificatePtr>& list, const security::CertificatePtr& certificate) {
  if (certificate == nullptr) return;
  const bool there = std::any_of(list.begin(), list.end(), [&](const security::CertificatePtr& other) {
    return other->hash == certificate->hash;
  });
  if (!there) list.push_back(certificate);
}

}  // namespace reload::storage
