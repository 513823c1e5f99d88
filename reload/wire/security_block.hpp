// 6940 6.3.4: certificates, signer identity and signature.
#pragma once

#include "reload/base/bytes.hpp"
#include "reload/wire/types.hpp"

namespace reload::wire {

struct GenericCertificate {
  CertificateType type = CertificateType::x509;
  Bytes certificate;  // DER
  friend bool operator==(const GenericCertificate&, const GenericCertificate&) = default;
};

struct SignerIdentity {
  SignerIdentityType type = SignerIdentityType::none;
  HashAlgorithm hash_algorithm = HashAlgorithm::none;  // not on the wire when type is none
  Bytes hash;
  friend bool operator==(const SignerIdentity&, const SignerIdentity&) = default;
};

struct Signature {
  HashAlgorithm hash = HashAlgorithm::none;
  SignatureAlgorithm algorithm = SignatureAlgorithm::anonymous;
  SignerIdentity identity;
  Bytes value;
  friend bool operator==(const Signature&, const Signature&) = default;
};

// All certificates together, each with its 3 bytes of type and length, fit a 16-bit length: who collects them stops
// before kMaxCertificateBucket.
inline constexpr std::size_t kMaxCertificateBucket = 65535;

struct SecurityBlock {
  std::vector<GenericCertificate> certificates;
  Signature signature;
  friend bool operator==(const SecurityBlock&, const SecurityBlock&) = default;
};

}  // namespace reload::wire
