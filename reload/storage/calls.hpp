// What this node's own usages ask of storage, and what comes of it.
#pragma once

#include "reload/base/strong.hpp"
#include "reload/security/certificate.hpp"
#include "reload/wire/codec.hpp"

namespace reload::storage {

// A value to write as one of this node's credentials. Its place (index, key) is in `value`.
struct StoreCall {
  ResourceId resource;
  KindId kind;
  wire::StoredDataValue value;
  std::uint32_t lifetime = 3600;  // seconds
  std::uint64_t generation = 0;   // 0: no check
  CredentialId credential{0};
};
struct StoreDone {
  std::uint64_t generation = 0;
  std::vector<NodeId> replicas;
  // 6940 7.4.1.2: the generation was another, and this, which was stored later than ours, holds in place of it.
  std::optional<wire::StoredData> newer;
};
struct FetchCall {
  ResourceId resource;
  std::vector<wire::StoredDataSpecifier> specifiers;
};
// Only values that verified and whose signer may write them (6940 7.4.2.2), and synthetic values that say "nothing
// here" (their signer is unknown); `signers[k][v]` signed value v of kinds[k]; `invalid` counts the others.
struct FetchDone {
  std::vector<wire::FetchKindResponse> kinds;
  std::vector<std::vector<security::Signer>> signers;
  std::size_t invalid = 0;
};
template <class T>
struct CallResult {
  ApiId id;
  tl::expected<T, std::pair<wire::ErrorCode, std::string>> result;
};
using StorageEvent = std::variant<CallResult<StoreDone>, CallResult<FetchDone>>;

}  // namespace reload::storage
