#include "reload/security/crypto_job.hpp"

#include "reload/security/message_auth.hpp"
#include "reload/wire/codec.hpp"

namespace reload::security {

namespace {

SignResult run_sign(const SignJob& job, const Crypto& crypto) {
  wire::Signature signature;
  signature.hash = wire::HashAlgorithm::sha256;
  signature.algorithm = job.credential->certificate->key_algorithm;
  signature.identity = identity_of(*job.credential, crypto);
  Bytes input = job.input;
  append(input, wire::encode(signature.identity));
  auto value = crypto.sign(*job.credential->key, input);
  if (!value) return {tl::unexpected(value.error())};
  signature.value = std::move(*value);
  return {std::move(signature)};
}

// One verify job: the certificates that came, each judged at most once, when a check first names it.
class Verification {
 public:
  Verification(const VerifyJob& job, const Crypto& crypto) : job_(job), crypto_(crypto), known_(job.known) {
    for (const Bytes& der : job.fresh) {
      auto parsed = crypto.parse_certificate(der, job.trust->config().node_id_length);
      if (parsed) {
        fresh_.push_back(std::move(*parsed));
      } else {
        result_.refused.push_back(parsed.error().text);
      }
    }
    judged_.resize(fresh_.size());
  }

  VerifyResult finish() {
    for (const SignatureCheck& check : job_.checks) {
      Signer signer;
      std::string fault = examine(check, signer);
      if (!fault.empty()) signer = {};
      result_.signers.push_back(std::move(signer));
      result_.faults.push_back(std::move(fault));
    }
    return std::move(result_);
  }

 private:
  struct Judgement {
    bool done = false;
    std::string fault;
  };

  // Empty and the signer set, or what is wrong.
  std::string examine(const SignatureCheck& check, Signer& signer) {
    const wire::Signature& signature = check.signature;
    if (signature.identity.type == wire::SignerIdentityType::none ||
        signature.algorithm == wire::SignatureAlgorithm::anonymous)
      return "not signed";
    signer = find_signer(signature.identity, known_, crypto_);
    if (!signer.known()) {
      signer = find_signer(signature.identity, fresh_, crypto_);
      if (!signer.known()) return "the signer's certificate is not at hand";
      if (std::string fault = judge(signer); !fault.empty()) return fault;
    } else if (const auto current = job_.trust->check_current(*signer.certificate, job_.now); !current) {
      return current.error().text;
    }
    if (verifies(*signer.certificate, signature, check.input)) return {};
    if (!check.alternative_input.empty() && verifies(*signer.certificate, signature, check.alternative_input))
      return {};
    return "the signature does not verify";
  }

  std::string judge(Signer& signer) {
    std::size_t index = 0;
    while (fresh_[index] != signer.certificate) ++index;
    Judgement& judgement = judged_[index];
    if (!judgement.done) {
      judgement.done = true;
      if (auto accepted = job_.trust->accept(fresh_[index], fresh_, job_.now, crypto_)) {
        fresh_[index] = *accepted;
        result_.accepted.push_back(*accepted);
      } else {
        judgement.fault = accepted.error().text;
        result_.refused.push_back(judgement.fault);
      }
    }
    signer.certificate = fresh_[index];
    return judgement.fault;
  }

  bool verifies(const Certificate& certificate, const wire::Signature& signature, ByteView input) const {
    return crypto_.verify(*certificate.key, signature.hash, signature.algorithm, input, signature.value);
  }

  const VerifyJob& job_;
  const Crypto& crypto_;
  std::span<const CertificatePtr> known_;
  std::vector<CertificatePtr> fresh_;  // parsed, whether CA or node
  std::vector<Judgement> judged_;      // of `fresh_`, by index
  VerifyResult result_;
};

}  // namespace

CryptoResult run(const CryptoJob& job, const Crypto& crypto) {
  if (const auto* sign = std::get_if<SignJob>(&job)) return run_sign(*sign, crypto);
  return Verification(std::get<VerifyJob>(job), crypto).finish();
}

}  // namespace reload::security
