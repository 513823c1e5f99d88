#include "reload/messaging/envelope.hpp"

#include <algorithm>

#include "reload/base/limits.hpp"

namespace reload::messaging {

Bytes encode_contents(wire::MessageCode code, Bytes body) {
  return wire::encode(wire::MessageContents{code, std::move(body), {}});
}

Bytes encode_error(wire::ErrorCode code, Bytes info) {
  if (info.size() > UINT16_MAX) info.resize(UINT16_MAX);
  return encode_contents(wire::MessageCode::error, wire::encode(wire::ErrorResponse{code, std::move(info)}));
}

std::vector<security::CertificatePtr> bucket_of(const security::Credential& credential,
                                                std::span<const security::CertificatePtr> more,
                                                const security::Trust& trust) {
  std::vector<security::CertificatePtr> bucket;
  const auto same_as = [](const security::CertificatePtr& certificate) {
    return [&certificate](const security::CertificatePtr& other) { return other->hash == certificate->hash; };
  };
  const auto put = [&](const security::CertificatePtr& certificate) {
    if (certificate == nullptr || std::ranges::any_of(bucket, same_as(certificate))) return;
    if (std::ranges::any_of(trust.roots(), same_as(certificate))) return;
    bucket.push_back(certificate);
  };
  put(credential.certificate);
  std::ranges::for_each(credential.intermediates, put);
  std::ranges::for_each(more, put);
  return bucket;
}

std::optional<Bytes> seal(Bytes contents, wire::Signature signature,
                          std::span<const security::CertificatePtr> certificates) {
  constexpr std::size_t kEntryOverhead = 3;  // type and length
  if (certificates.size() > limits::kMaxCertificatesInMessage) return std::nullopt;
  wire::SecurityBlock block;
  block.signature = std::move(signature);
  std::size_t size = 0;
  for (const security::CertificatePtr& certificate : certificates) {
    size += certificate->der.size() + kEntryOverhead;
    if (size > UINT16_MAX) return std::nullopt;
    block.certificates.push_back({wire::CertificateType::x509, to_bytes(certificate->der.view())});
  }
  append(contents, wire::encode(block));
  return contents;
}

}  // namespace reload::messaging
