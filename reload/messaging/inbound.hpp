// A received message from bytes to verified: what is in it, the job that checks all its signatures at once, and what
// the job's result makes of it (6940 6.3.4; guide 9.2 to 9.4).
#pragma once

#include "reload/messaging/handler.hpp"
#include "reload/security/crypto_job.hpp"

namespace reload::messaging {

// A message while its signatures are checked.
struct Inbound {
  wire::ForwardingHeader header;
  SharedBytes message;
  wire::ParsedBody parsed;  // views into `message`
  wire::Destination previous_hop;
  wire::Destination charged_to;  // the link of the first copy, whose share of the checks this is
  NodeId link_node;

  // At most one of them: the values of a StoreReq or FetchAns, whose signatures are checked together with the
  // message's own.
  std::shared_ptr<VerifiedStore> store;
  std::shared_ptr<VerifiedFetch> fetch;
  ResourceId fetched;             // the Resource-ID that the values of `fetch` were asked for
  bool values_malformed = false;  // a StoreReq or FetchAns that can't be read or has too many values

  security::TrustPtr trust;  // that the job judges by
};

// Reads the values of a store_req or fetch_ans.
void decode_values(Inbound& inbound, const config::OverlayConfig& config);

// Certificates found in `cache`, by the signers' identities or by their own hash, are not parsed again.
[[nodiscard]] security::VerifyJob make_verify_job(Inbound& inbound, const security::CertificateCache& cache,
                                                  const Context& context);

// The message's signer, unknown if its signature did not verify; sets those of the values.
[[nodiscard]] security::Signer apply_result(Inbound& inbound, const security::VerifyResult& result);

}  // namespace reload::messaging
