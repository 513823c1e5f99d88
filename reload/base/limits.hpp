// Every bound of the system with its reason. What can grow has its limit here and nowhere else.
#pragma once

#include <cstddef>
#include <cstdint>

#include "reload/base/time.hpp"

namespace reload::limits {

// Wire. 6940 6.6: a frame's length field has 24 bits; a message longer than max-message-size is refused long before.
inline constexpr std::size_t kMaxFrameMessage = (std::size_t{1} << 24) - 1;
// 6940 13.6.5 and good sense: a path longer than initial-ttl's default is a loop.
inline constexpr std::size_t kMaxDestinations = 128;
inline constexpr std::size_t kMaxCertificatesInMessage = 64;
inline constexpr std::size_t kMaxForwardingOptions = 16;
inline constexpr std::size_t kMaxExtensions = 16;

// Links. 22 out and as many in are normal in a ring of 3,000 (16 fingers, 6 neighbours); clients come on top.
inline constexpr std::size_t kMaxLinks = 4096;
inline constexpr std::size_t kMaxUnboundLinks = 64;  // links whose Node-ID is not known yet
inline constexpr Duration kHandshakeTime = 10s;      // TCP connect and TLS handshake of one address
inline constexpr std::size_t kMaxLinkQueueBytes = std::size_t{16} << 20;  // a side that does not read loses its link
inline constexpr std::size_t kMaxPostedTasks = 65536;        // tasks from other threads waiting for the loop
inline constexpr std::size_t kMaxFramesAwaitingAck = 65536;  // send times kept for round-trip samples
// What waits for a datagram link, which takes one message in a round trip: as many as it takes in the life of a request
// at 50 ms each. What would come later than that nobody waits for.
inline constexpr std::size_t kMaxDatagramsQueued = 256;
inline constexpr std::size_t kMaxDatagramQueueBytes = std::size_t{1} << 20;
// 6940 6.2.1: less than the 3 s after which the sender of a request sends it again. Its answer must be back by then, so
// that no hop of a few may take long, or the link does not go by the order any more.
inline constexpr Duration kMaxDatagramQueueTime = 2500ms;
inline constexpr Duration kDatagramQueueTimeInOrder = 500ms;

// Forwarding. What a link brings above its budget is dropped where the way on is busy, so that a flood neither delays
// what other links send the same way nor costs the next peer its link. A busy peer forwards some hundreds a second.
inline constexpr std::uint32_t kLinkMessagesPerSecond = 1000;
inline constexpr std::uint32_t kLinkMessageBurst = 2000;
inline constexpr std::size_t kBusyLinkFrames = 1024;  // not acknowledged yet

// Connecting: Attach and AppAttach under way, in and out; topology itself has at most kMaxAttachesAtOnce of them.
inline constexpr std::size_t kMaxPendingAttaches = 1024;
inline constexpr std::size_t kMaxCandidatesTried = 8;  // addresses that one Attach can make this node connect to
// A link replaced by a newer one to the same node stays until what is under way on it has come.
inline constexpr Duration kReplacedLinkTime = 5s;

// Forwarding. 6940 6.1.2: state for the way back lives at least overlay-reliability-timer; we keep it for the life of a
// request, after which no answer is wanted.
inline constexpr Duration kReturnStateTime = 15s;

// Bootstrap. The first pause is short because a peer that is just starting is the common case; the last keeps the load
// of many waiting nodes on a returning bootstrap node small.
inline constexpr Duration kFirstBootstrapPause = 200ms;
inline constexpr Duration kLastBootstrapPause = 10s;
inline constexpr Duration kCutOffCheckInterval = 10s;  // how often a peer that may be cut off looks for the overlay

// Transactions. 6940 6.2.1: 15 s is the life of a request.
inline constexpr std::size_t kMaxRequestsOut = 65536;
inline constexpr std::size_t kMaxRequestsIn = 65536;
inline constexpr std::size_t kMaxCachedAnswers = 16384;
inline constexpr std::size_t kMaxCachedAnswerBytes = std::size_t{32} << 20;
inline constexpr std::size_t kMaxRequestsInPerSigner = 8192;
inline constexpr unsigned kRequestTries = 5;
inline constexpr unsigned kMaxConfigRepeats = 3;              // new transactions after an exchange of configurations
inline constexpr std::size_t kMaxConfigUpdatesAtOnce = 1024;  // a whole ring of another age must not cost its memory

// Fragments. 6940 6.7: incomplete sets live 15 s.
inline constexpr Duration kReassemblyTime = 15s;
inline constexpr std::size_t kMaxFragmentSets = 256;
inline constexpr std::size_t kMaxFragmentBytes = std::size_t{8} << 20;

// Security.
inline constexpr std::size_t kMaxCachedCertificates = 131072;
inline constexpr std::size_t kMaxChainLength = 4;
inline constexpr std::size_t kMaxCryptoJobs = 16384;
inline constexpr std::size_t kMaxCertificateBytes = 16384;
// A forged chain must not cost more signature checks than an honest one with a few renewed CA certificates.
inline constexpr unsigned kMaxChainSignatureChecks = 8;
inline constexpr std::size_t kMaxNodeIdsInCertificate = 64;  // a message can't name more signers usefully

// Storage.
inline constexpr std::size_t kMaxValuesPerStore = 1024;
inline constexpr std::size_t kMaxKindsPerRequest = 63;  // 6940 7.4.4: FindReq.kinds has one length byte
// A StoreAns waits until both replicas have the values, so that an acknowledged value survives the loss of this peer
// the moment after; but for the second not longer than this, as a slow or dead replica must not hold up a writer.
inline constexpr Duration kReplicaAckWait = 1s;
// For the first, this long: what only this peer has is lost with it, and on a slow link a copy takes some seconds. The
// writer gives up after 15 s, and the refusal must find its way back before.
inline constexpr Duration kLoneAckWait = 10s;
inline constexpr Duration kReplicaHoldDown = 30s;  // 6940 10.7.1: successor replacement hold-down time
// Copies on their way to one peer. Enough to fill a link of 100 ms with small values, too few to flood a joining peer.
inline constexpr std::size_t kReplicaWindow = 32;
inline constexpr std::size_t kStoreWalkPiece = 256;        // Kinds looked at in one step when the store is walked
inline constexpr std::size_t kMaxHandOvers = 8;            // peers that join at this peer at the same time
inline constexpr std::size_t kMaxKnownHolders = 32;        // peers whose copies are remembered: neighbours and owners
inline constexpr std::size_t kMaxKnownCopies = 1'000'000;  // in all; beyond it copies are sent again, which is harmless
inline constexpr Duration kCopyRetryFirst = 2s;  // after a pass over the store in which copies failed; doubles up to
inline constexpr Duration kCopyRetryMost = 300s;
inline constexpr std::size_t kMaxTakings = 256;         // Fetches of newer values under way, to those who offered them
inline constexpr std::size_t kCopyFailuresInPass = 32;  // then the pass waits: the peer is gone or does not agree yet
inline constexpr std::size_t kStoreMessageReserve = 1500;  // of max-message-size, for header, signature, certificates
inline constexpr std::size_t kMaxOwnSlots = 65536;  // last storage times of own values, to be strictly increasing
inline constexpr std::size_t kMaxOwnCalls = 16384;  // own Stores and Fetches under way
inline constexpr std::size_t kMaxSignerCertificates = 16384;  // parsed certificates of stored values
inline constexpr std::size_t kMaxMemoryValues = 4'000'000;    // about 8 GiB of values of 2 KiB

// Topology. 6940 10.4: at least three of each; 6940 10.6.. suggests 16 fingers, up to 128.
// At least so many; in a large ring more, up to what 2^32 peers want, so that ids packed around a peer gain little.
inline constexpr std::size_t kNeighborsEachSide = 3;
inline constexpr std::size_t kMaxNeighborsEachSide = 16;
inline constexpr std::size_t kReplicas = 2;  // 6940 10.4: the first and the second successor
inline constexpr std::size_t kMaxNeighborsInUpdate = 64;
inline constexpr std::size_t kFingers = 16;
inline constexpr std::size_t kMaxAttachesAtOnce = 32;
inline constexpr std::size_t kMaxFingers = 128;            // 6940 10.7.4.3: one for each bit of an id
inline constexpr std::size_t kFingerAttachesAtOnce = 2;    // the largest ranges first, and each may spare the next
inline constexpr std::size_t kMaxNeighborCandidates = 64;  // named by the Updates of a few neighbours
inline constexpr unsigned kNeighborAttachTries = 3;
inline constexpr std::size_t kMaxJoinsWaiting = 256;  // joining peers that wait for one admitting peer

// Configuration document.
inline constexpr std::size_t kMaxConfigBytes = std::size_t{4} << 20;
inline constexpr unsigned kMaxConfigDepth = 32;            // the RFC's elements nest five deep; extensions may add some
inline constexpr std::size_t kMaxConfigElements = 65536;   // a bad-node list of tens of thousands still fits
inline constexpr std::size_t kMaxConfigurations = 64;      // configuration elements in one document
inline constexpr std::size_t kMaxSignaturesOfElement = 8;  // an old and a new signer, with room
inline constexpr std::size_t kMaxConfiguredKinds = 1024;
inline constexpr std::size_t kMaxLearntKinds = 64;       // by ConfigUpdate; more belong into a document
inline constexpr std::uint32_t kMaxNodeMultiple = 1024;  // a Store's policy check tries every i up to it
inline constexpr std::size_t kMaxDomainPattern = 512;    // a longer expression is no pattern for a domain
inline constexpr std::size_t kMaxDomainName = 255;       // RFC 1035 2.3.4
// Fetching it (6940 11.2). A slow line has time for the largest document; the whole discovery ends even when every
// address is silent.
inline constexpr Duration kDnsTime = 10s;
inline constexpr Duration kConfigServerConnectTime = 5s;
inline constexpr Duration kConfigFetchTime = 60s;
inline constexpr std::size_t kMaxConfigServers = 16;         // SRV records looked at
inline constexpr std::size_t kMaxConfigServerAddresses = 8;  // addresses tried in one fetch
inline constexpr Duration kConfigFetchPause = 60s;           // after a fetch that brought nothing new
// How often the clock is looked at before a fetch: a machine that slept or whose clock was set is late by this at most.
inline constexpr Duration kConfigFetchCheck = 600s;

// Enrolling (6940 11.3). A certificate has at most 16 KiB; more is a wrong or a lying server.
inline constexpr std::size_t kMaxEnrollmentAnswerBytes = std::size_t{64} << 10;
inline constexpr Duration kEnrollmentTime = 60s;
inline constexpr std::size_t kMaxPasswordFileBytes = 4096;
inline constexpr std::size_t kMaxDeviceBytes = 64;
// Renewing a credential that the server refuses or can't be asked for: after a pause that doubles up to the last one.
inline constexpr Duration kFirstRenewalPause = 30s;
inline constexpr Duration kLastRenewalPause = 3600s;
inline constexpr Duration kLeastRenewalPause = 1s;  // however short the certificates live
// Users whose credentials a peer obtains itself.
inline constexpr std::size_t kMaxHostedUsers = 100'000;
inline constexpr std::size_t kHostedEnrollmentsAtOnce = 4;
inline constexpr Duration kFileCheckInterval = 5s;  // how often a watched file's time of change is looked at
// Neighbours kept for the next start (6940 11.4 suggests 10).
inline constexpr std::size_t kCachedNeighbors = 10;
inline constexpr Duration kNeighborsWriteInterval = 60s;

// Node. Rounds of effects that one input may lead to; each round hands on what the one before asked for, so more means
// that two components keep asking each other.
inline constexpr int kMaxSettleRounds = 1000;

// Application connections. Early bytes are those that come before the AppAttach answer.
inline constexpr std::size_t kMaxEarlyPipeBytes = 65536;
inline constexpr std::size_t kMaxPipes = 1024;
inline constexpr std::size_t kMaxPipeQueueBytes = std::size_t{4} << 20;

}  // namespace reload::limits
