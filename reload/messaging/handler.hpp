// What a component sees of a request or an answer: decoded as far as checked, verified, with its signer.
#pragma once

#include "reload/base/counters.hpp"
#include "reload/base/rng.hpp"
#include "reload/base/time.hpp"
#include "reload/config/overlay_config.hpp"
#include "reload/forwarding/route_view.hpp"
#include "reload/messaging/effects.hpp"
#include "reload/security/crypto.hpp"

namespace reload::messaging {

// Everything a component may use while it handles one input.
struct Context {
  Now now;
  NodeId self;
  Rng& rng;
  Counters& counters;
  const config::OverlayConfig& config;
  const security::Crypto& crypto;
  const forwarding::RouteView& route;
  Effects& effects;
};

// The values of a StoreReq or FetchAns, decoded once, each with its verified signer; `signers[k][v]` belongs to value
// v of Kind k and is unknown where the signature did not verify (6940 7.1, 7.4.1.1).
struct VerifiedStore {
  wire::StoreReq request;
  std::vector<std::vector<security::Signer>> signers;
};
struct VerifiedFetch {
  wire::FetchAns answer;
  std::vector<std::vector<security::Signer>> signers;
};

// A request for this node, its signature verified, its configuration sequence right, not seen before.
struct Request {
  RequestId id;  // answer with SendAnswer or SendError, now or later, once
  wire::MessageCode code = wire::MessageCode::invalid;
  ByteView body;            // valid during the call only
  security::Signer signer;
  NodeId link_node;         // bound Node-ID of the link it came over; zero if none is bound
  wire::DestinationList via_list;  // as received, without the last hop
  wire::Destination destination;   // the last entry of the Destination List
  std::shared_ptr<const VerifiedStore> store;  // set for store_req
};

enum class AnswerStatus : std::uint8_t { ok, error, timed_out, unroutable };
// What became of a SendRequest.
struct Answer {
  AnswerStatus status = AnswerStatus::ok;
  ByteView body;  // ok: the answer's body; error: error_info. Valid during the call only
  wire::ErrorCode error = wire::ErrorCode::invalid;
  security::Signer signer;  // unknown when timed out
  std::shared_ptr<const VerifiedFetch> fetch;  // set for fetch_ans
};

// What became of a SignValue.
struct SignedValue {
  Token token;
  Result<wire::Signature> signature;
  security::CertificatePtr certificate;  // the signer's
};

}  // namespace reload::messaging
