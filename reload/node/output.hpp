// What a node tells its driver, drained after each input in this order. The value store's batch was applied by then;
// the driver commits it before it sends.
#pragma once

#include <variant>

#include "reload/node/input.hpp"

namespace reload::node {

// Open a TLS-TCP link as TLS client: try the addresses in order. Answer with LinkUp or LinkDown for this id.
struct OpenLink {
  LinkId link;
  std::vector<wire::IpAddressPort> addresses;
  std::optional<ApplicationId> application;
};
// `head` then `body`, as one write.
struct SendOnLink {
  LinkId link;
  Bytes head;
  SharedBytes body;
};
// Close after what was sent is out. No LinkDown follows.
struct CloseLink {
  LinkId link;
  std::string reason;
};
struct RunCrypto {
  JobId job;
  security::CryptoJob work;
};

// API events.
struct PingDone {
  NodeId responder;
  Duration round_trip{};
};
struct RouteQueryDone {
  NodeId next_peer;
};
struct ProbeDone {
  NodeId responder;
  wire::ProbeAns answer;
};
// As the responder tells it: unlike the values of a Fetch, nothing in these is signed by whom it is about.
struct StatDone {
  NodeId responder;
  wire::StatAns answer;
};
struct FindDone {
  NodeId responder;
  wire::FindAns answer;
};
struct OfferConfigDone {
  std::uint16_t sequence = 0;
};
struct SendConfigDone {
  NodeId responder;
};
// An application connection is up; its bytes are the application's. `local_call`: made by our CallAppAttach.
struct PipeUp {
  LinkId pipe;
  NodeId remote;
  security::CertificatePtr certificate;
  ApplicationId application;
};
struct CallFailed {
  wire::ErrorCode code = wire::ErrorCode::invalid;
  std::string text;
};
template <class T>
using ApiResult = tl::expected<T, CallFailed>;
struct ApiEvent {
  ApiId id;  // 0 for what no call asked for: incoming pipes, pipe data
  std::variant<ApiResult<storage::StoreDone>, ApiResult<storage::FetchDone>, ApiResult<PingDone>,
               ApiResult<RouteQueryDone>, ApiResult<ProbeDone>, ApiResult<StatDone>, ApiResult<FindDone>,
               ApiResult<OfferConfigDone>, ApiResult<SendConfigDone>, ApiResult<PipeUp>>
      result;
};
struct PipeData {
  LinkId pipe;
  SharedBytes bytes;
};
struct PipeDown {
  LinkId pipe;
  std::string reason;
};
struct Joined {
  bool joined = false;
};
struct LeaveDone {
  std::string reason;  // why this node may not stay; empty when it was told to leave
};
// The node is not in the overlay, and of all the `tried` nodes to join through none could be reached or had a way in
// (6940 6.4.2.1). It goes on trying.
struct NoContact {
  std::size_t tried = 0;
};
// A new configuration document was accepted, or Kinds that are not in it (Kind::learnt): keep them.
struct ConfigAccepted {
  config::ConfigPtr config;
  std::vector<std::string> revoked_users;  // whom this node hosted, and whose certificates are on the bad-node list now
};
// A document that came over the overlay was refused. `fetch`: it may be a right one whose signers this node cannot know
// because it missed changes of them; only fetching the document again then helps (6940 6.5.4.2).
struct ConfigRefused {
  std::string reason;
  bool fetch = false;
};
// What was to be stored is lost and acknowledged to nobody.
struct StoreFailed {
  std::string reason;
};

using Output = std::variant<OpenLink, SendOnLink, CloseLink, RunCrypto, ApiEvent, PipeData, PipeDown, Joined, LeaveDone,
                            NoContact, ConfigAccepted, ConfigRefused, StoreFailed>;

}  // namespace reload::node
