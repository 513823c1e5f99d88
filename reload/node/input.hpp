// What a driver tells a node. Each input comes with the time; after each the driver drains the outputs.
#pragma once

#include <variant>

#include "reload/base/bytes.hpp"
#include "reload/connect/connect.hpp"
#include "reload/link/datagram_session.hpp"
#include "reload/security/crypto_job.hpp"
#include "reload/storage/storage.hpp"

namespace reload::node {

// A link's handshake is done: the other side proved to hold the key of `certificates[0]`. `application`: it came in on
// the listener of that application, or was opened for it; nothing for an overlay link.
struct LinkUp {
  LinkId link;
  std::vector<Bytes> certificates;  // DER, end entity first
  wire::IpAddressPort remote;
  bool inbound = false;
  std::optional<ApplicationId> application;
  // Of an overlay link that is DTLS: each SendOnLink is one datagram, each LinkBytes one that came. They may get lost,
  // come twice or in another order.
  std::optional<link::DatagramPath> datagrams{};
};
struct LinkBytes {
  LinkId link;
  SharedBytes bytes;  // decrypted
};
// The link is gone, or could not be opened (for an OpenLink without LinkUp).
struct LinkDown {
  LinkId link;
  std::string reason;
};
// A connection that came in did not become a link.
struct HandshakeFailed {};
struct CryptoDone {
  JobId job;
  security::CryptoResult result;
};
// The deadline given by next_deadline has come.
struct Tick {};

// API calls; results come back as ApiEvent outputs with the same id.
struct CallStore {
  ApiId id;
  storage::StoreCall call;
};
struct CallFetch {
  ApiId id;
  storage::FetchCall call;
};
struct CallAppAttach {
  ApiId id;
  wire::DestinationList to;
  ApplicationId application;
};
struct CallPing {
  ApiId id;
  wire::DestinationList to;
};
struct CallRouteQuery {
  ApiId id;
  NodeId ask;  // the peer to ask; next_peer of its answer tells its next hop
  wire::Destination destination;
};
struct CallProbe {
  ApiId id;
  wire::DestinationList to;
};
struct CallStat {
  ApiId id;
  wire::StatReq request;
};
struct CallFind {
  ApiId id;
  wire::FindReq request;
};
// A configuration document that was fetched as 6940 11.2 has it. Taken or refused as one of a ConfigUpdate would be.
struct CallOfferConfig {
  ApiId id;
  Bytes document;
};
// Sends a document to a node that there is a link to, as a ConfigUpdate: what it answers is the result.
struct CallSendConfig {
  ApiId id;
  NodeId to;
  Bytes document;
};
struct CallAcceptApp {  // from now on AppAttach requests for the application are welcome
  ApplicationId application;
};
struct PipeSend {
  LinkId pipe;
  SharedBytes bytes;
};
struct PipeClose {
  LinkId pipe;
};
struct Leave {};

using Input = std::variant<LinkUp, LinkBytes, LinkDown, HandshakeFailed, CryptoDone, Tick, CallStore, CallFetch,
                           CallAppAttach, CallPing, CallRouteQuery, CallProbe, CallStat, CallFind, CallOfferConfig,
                           CallSendConfig, CallAcceptApp, PipeSend, PipeClose, Leave>;

}  // namespace reload::node
