// Signing and verifying as jobs: a node hands a job out and gets its result as an input, so that a driver may run jobs
// on all cores while the node goes on. A job is plain data; `run` is a pure function of it.
#pragma once

#include <variant>

#include "reload/security/credentials.hpp"
#include "reload/security/trust.hpp"
#include "reload/wire/security_block.hpp"

namespace reload::security {

// Signs one input with one credential: a message, or a value to be stored.
struct SignJob {
  CredentialPtr credential;
  Bytes input;  // without SignerIdentity, which the job appends (6940 6.3.4, 7.1)
};
struct SignResult {
  Result<wire::Signature> signature;
};

// Checks the signatures of a message and of all values in it, and the certificates that came with it, in one go.
struct SignatureCheck {
  wire::Signature signature;
  Bytes input;              // complete, with SignerIdentity
  Bytes alternative_input;  // accepted too when not empty (T25: resource_id without its length byte)
};
// Of `fresh`, only the certificates that a check names as its signer are judged, so that a bucket full of strangers
// costs no signature checks.
struct VerifyJob {
  std::vector<CertificatePtr> known;  // accepted before; found by hash in the trust cache
  std::vector<Bytes> fresh;           // DER of certificates never seen, intermediate CAs too
  TrustPtr trust;
  Wall now;
  std::vector<SignatureCheck> checks;
};
struct VerifyResult {
  std::vector<CertificatePtr> accepted;  // those of `fresh` that chain to the trust; to be cached
  std::vector<std::string> refused;      // why, for each that does not, or can't be parsed
  std::vector<Signer> signers;           // one for each check; unknown where the check failed
  std::vector<std::string> faults;       // one for each check: empty, or what was wrong
};

using CryptoJob = std::variant<SignJob, VerifyJob>;
using CryptoResult = std::variant<SignResult, VerifyResult>;

[[nodiscard]] CryptoResult run(const CryptoJob& job, const Crypto& crypto);

}  // namespace reload::security
