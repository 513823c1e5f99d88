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
inline constexpr std::size_t kMaxUnboundLinks = 64;          // links whose Node-ID is not known yet
inline constexpr std::size_t kMaxFramesAwaitingAck = 65536;  // send times kept for round-trip samples

// Transactions. 6940 6.2.1: 15 s is the life of a request.
inline constexpr std::size_t kMaxRequestsOut = 65536;
inline constexpr std::size_t kMaxRequestsIn = 65536;
inline constexpr std::size_t kMaxCachedAnswers = 16384;
inline constexpr std::size_t kMaxCachedAnswerBytes = std::size_t{32} << 20;
inline constexpr std::size_t kMaxRequestsInPerSigner = 8192;
inline constexpr unsigned kRequestTries = 5;

// Fragments. 6940 6.7: incomplete sets live 15 s.
inline constexpr Duration kReassemblyTime = 15s;
inline constexpr std::size_t kMaxFragmentSets = 256;
inline constexpr std::size_t kMaxFragmentBytes = std::size_t{8} << 20;

// Security.
inline constexpr std::size_t kMaxCachedCertificates = 131072;
inline constexpr std::size_t kMaxChainLength = 4;
inline constexpr std::size_t kMaxCryptoJobs = 16384;
inline constexpr std::size_t kMaxCertificateBytes = 16384;

// Storage.
inline constexpr Duration kMaxClockSkew = 300s;  // a storage_time further in the future is refused
inline constexpr std::size_t kMaxValuesPerStore = 1024;
inline constexpr std::size_t kMaxKindsPerRequest = 63;  // 6940 7.4.4: FindReq.kinds has one length byte

// Topology. 6940 10.4: at least three of each; 6940 10.6.. suggests 16 fingers, up to 128.
inline constexpr std::size_t kNeighborsEachSide = 3;
inline constexpr std::size_t kMaxNeighborsInUpdate = 64;
inline constexpr std::size_t kFingers = 16;
inline constexpr std::size_t kMaxAttachesAtOnce = 32;

// Configuration document.
inline constexpr std::size_t kMaxConfigBytes = std::size_t{4} << 20;

// Application connections.
inline constexpr std::size_t kMaxPipes = 1024;
inline constexpr std::size_t kMaxPipeQueueBytes = std::size_t{4} << 20;

}  // namespace reload::limits
