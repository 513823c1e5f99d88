// Which values of a FetchAns count (6940 7.4.2.2): rightly signed, and by one who may write them.
#pragma once

#include "reload/messaging/handler.hpp"
#include "reload/storage/calls.hpp"

namespace reload::storage {

// What of `fetched`, the answer to a Fetch of `resource`, may be believed. Kinds that were not asked for are left out.
[[nodiscard]] FetchDone believable(const messaging::VerifiedFetch& fetched, const ResourceId& resource,
                                   const std::vector<KindId>& asked, const config::OverlayConfig& config,
                                   const security::Crypto& crypto);

// 6940 7.4.1.1: signed with identity none or with {0,0}, as only a synthetic value may be.
[[nodiscard]] bool is_unsigned(const wire::Signature& signature);

}  // namespace reload::storage
