// What components append instead of calling each other: a component sends nothing itself and knows no sibling. node.cpp
// takes each effect to the component it is for.
#pragma once

#include <deque>
#include <string>
#include <variant>

#include "reload/security/certificate.hpp"
#include "reload/wire/codec.hpp"

namespace reload::messaging {

// Who sent a request and gets its answer.
enum class Owner : std::uint8_t { topology, storage, connect, config, api };
struct Token {
  Owner owner = Owner::api;
  std::uint64_t number = 0;  // the owner's own
  friend auto operator<=>(const Token&, const Token&) = default;
};

// Originates a request. Its answer, an error or a time-out comes back to the token's owner exactly once.
struct SendRequest {
  Token token;
  wire::DestinationList to;
  wire::MessageCode code = wire::MessageCode::invalid;
  Bytes body;
  CredentialId signer{0};                              // credentials.hpp; 0 is the node's own
  std::vector<security::CertificatePtr> certificates;  // of signers of values inside, for the security block
  std::optional<NodeId> first_hop;                     // send over the link to this node, whatever routing says
  bool any_config_sequence = false;                    // ConfigUpdateReq: configuration_sequence 65535
  unsigned tries = 0;                                  // 0: kRequestTries; else fewer, for probing
};
// Stops sending a request again; its owner hears no more of it (6940 6.5.1.2: the glare of two Attach requests).
struct CancelRequest {
  Token token;
};
struct SendAnswer {
  RequestId request;
  Bytes body;
  std::vector<security::CertificatePtr> certificates;
};
struct SendError {
  RequestId request;
  wire::ErrorCode code = wire::ErrorCode::invalid_message;
  Bytes info;
};

// Signs a value to be stored (6940 7.1) and gives it back to the token's owner as a SignedValue.
struct SignValue {
  Token token;
  CredentialId signer{0};
  ResourceId resource;
  KindId kind;
  std::uint64_t storage_time = 0;
  wire::StoredDataValue value;
};

// A link is wanted to whoever the list ends at: connect sends an Attach. Answered by topology's on_attach_done.
struct WantLink {
  std::uint64_t number = 0;  // topology's own
  wire::DestinationList to;
  bool send_update = true;
};
// The overlay link to a node is to be closed, after what is queued on it was sent.
struct DropLink {
  NodeId node;
  std::string reason;
};
// The other side of a new link asked for an Update (6940 6.5.1.1 send_update, RouteQuery).
struct UpdateWanted {
  NodeId node;
};

// An answer came from a node that is not the nearest to the resource by what the topology knows: either it has no right
// to answer, or a neighbour between is gone without a word.
struct ResponderDoubted {
  ResourceId resource;
  NodeId signer;
};

// Topology to storage.
struct RangeChanged {};  // own range or replica set changed: see what to hand over, copy or delete
struct NeighborFailed {  // 6940 10.7.1: start the hold-down before new replicas
  NodeId node;
};
// A joining peer is about to own part of what this peer holds: send it the values in (after, owner] (6940 10.5 step 6).
// Storage answers with HandedOver when all were acknowledged or given up.
struct HandOver {
  NodeId owner;
  NodeId after;
};
struct HandedOver {
  NodeId owner;
};
struct JoinStateChanged {
  bool joined = false;
};

// A whole configuration document to be checked and taken, from a ConfigUpdate.
struct ConfigOffered {
  Bytes document;
  NodeId from;
  RequestId request;  // answered when the check is done
};

// The same for Kinds: kind-blocks, each a definition and its signature.
struct KindsOffered {
  std::vector<Bytes> kind_blocks;
  RequestId request;
};

using Effect = std::variant<SendRequest, CancelRequest, SendAnswer, SendError, SignValue, WantLink, DropLink,
                            UpdateWanted, ResponderDoubted, RangeChanged, NeighborFailed, HandOver, HandedOver,
                            JoinStateChanged, ConfigOffered, KindsOffered>;
using Effects = std::deque<Effect>;

}  // namespace reload::messaging
