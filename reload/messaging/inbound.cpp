#include "reload/messaging/inbound.hpp"

#include <algorithm>

#include "reload/base/check.hpp"
#include "reload/base/limits.hpp"
#include "reload/security/data_signature.hpp"
#include "reload/security/message_auth.hpp"

namespace reload::messaging {

namespace {

using security::CertificatePtr;

// A value with identity "none" is a synthetic one of a Fetch answer (6940 7.4.2.2): there is nothing to check.
bool is_signed(const wire::StoredData& data) { return data.signature.identity.type != wire::SignerIdentityType::none; }

template <class Kinds>
std::size_t count_values(const Kinds& kinds) {
  std::size_t count = 0;
  for (const auto& kind : kinds) count += kind.values.size();
  return count;
}

template <class Kinds>
void append_checks(std::vector<security::SignatureCheck>& checks, const ResourceId& resource, const Kinds& kinds) {
  for (const auto& kind : kinds) {
    for (const wire::StoredData& data : kind.values) {
      if (is_signed(data)) checks.push_back(security::value_check(resource, kind.kind, data));
    }
  }
}

// `next` walks over the results in the order of append_checks.
template <class Kinds>
std::vector<std::vector<security::Signer>> signers_of(const Kinds& kinds, std::span<const security::Signer> results) {
  std::vector<std::vector<security::Signer>> signers(kinds.size());
  std::size_t next = 0;
  for (std::size_t k = 0; k < kinds.size(); ++k) {
    for (const wire::StoredData& data : kinds[k].values) {
      signers[k].push_back(is_signed(data) ? results[next++] : security::Signer{});
    }
  }
  return signers;
}

void add_once(std::vector<CertificatePtr>& certificates, CertificatePtr certificate) {
  if (std::ranges::find(certificates, certificate) == certificates.end())
    certificates.push_back(std::move(certificate));
}

// Whether all signers were found in the cache, which then spares the hashing of the certificates that came.
bool find_signers(security::VerifyJob& job, const security::CertificateCache& cache) {
  bool all = true;
  for (const security::SignatureCheck& check : job.checks) {
    const auto key = security::cache_key(check.signature.identity);
    CertificatePtr certificate = key ? cache.find(*key) : nullptr;
    all = all && certificate != nullptr;
    if (certificate != nullptr) add_once(job.known, std::move(certificate));
  }
  return all;
}

void add_certificates(security::VerifyJob& job, std::vector<wire::GenericCertificate>& received,
                      const security::CertificateCache& cache, const Context& context) {
  std::vector<security::CertificateHash> seen;
  for (wire::GenericCertificate& certificate : received) {
    if (certificate.type != wire::CertificateType::x509) continue;
    if (certificate.certificate.size() > limits::kMaxCertificateBytes) {
      context.counters.add(Counter::certificates_refused);
      continue;
    }
    const Bytes digest = context.crypto.hash(wire::HashAlgorithm::sha256, {certificate.certificate});
    security::CertificateHash hash;
    RELOAD_CHECK(digest.size() == hash.size());
    std::ranges::copy(digest, hash.begin());
    if (std::ranges::find(seen, hash) != seen.end()) continue;
    seen.push_back(hash);
    if (CertificatePtr known = cache.find(hash)) {
      add_once(job.known, std::move(known));
    } else {
      job.fresh.push_back(std::move(certificate.certificate));
    }
  }
}

}  // namespace

void decode_values(Inbound& inbound, const config::OverlayConfig& config) {
  if (inbound.parsed.code == wire::MessageCode::store_req) {
    auto request = wire::decode<wire::StoreReq>(inbound.parsed.body, config.codec());
    inbound.values_malformed = !request || count_values(request->kind_data) > limits::kMaxValuesPerStore;
    if (inbound.values_malformed) return;
    inbound.store = std::make_shared<VerifiedStore>(VerifiedStore{std::move(*request), {}});
  } else if (inbound.parsed.code == wire::MessageCode::fetch_ans) {
    auto answer = wire::decode<wire::FetchAns>(inbound.parsed.body, config.codec());
    inbound.values_malformed = !answer || count_values(answer->kind_responses) > limits::kMaxValuesPerStore;
    if (inbound.values_malformed) return;
    inbound.fetch = std::make_shared<VerifiedFetch>(VerifiedFetch{std::move(*answer), {}});
  }
}

security::VerifyJob make_verify_job(Inbound& inbound, const security::CertificateCache& cache, const Context& context) {
  security::VerifyJob job;
  job.trust = inbound.trust;
  job.now = context.now.wall;
  job.checks.push_back(security::message_check(inbound.header.overlay, inbound.header.transaction_id,
                                               inbound.parsed.contents_bytes, inbound.parsed.security.signature));
  if (inbound.store) append_checks(job.checks, inbound.store->request.resource, inbound.store->request.kind_data);
  if (inbound.fetch) append_checks(job.checks, inbound.fetched, inbound.fetch->answer.kind_responses);
  if (!find_signers(job, cache)) add_certificates(job, inbound.parsed.security.certificates, cache, context);
  return job;
}

security::Signer apply_result(Inbound& inbound, const security::VerifyResult& result) {
  RELOAD_CHECK(!result.signers.empty());
  const auto values = std::span(result.signers).subspan(1);
  if (inbound.store) inbound.store->signers = signers_of(inbound.store->request.kind_data, values);
  if (inbound.fetch) inbound.fetch->signers = signers_of(inbound.fetch->answer.kind_responses, values);
  return result.signers.front();
}

}  // namespace reload::messaging
