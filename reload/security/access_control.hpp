// 6940 7.3: the four access control policies, and the domain rule of RFC 7904 3.4 for SIP-REGISTRATION.
#pragma once

#include "reload/config/overlay_config.hpp"
#include "reload/security/crypto.hpp"
#include "reload/wire/stored_data.hpp"

namespace reload::security {

// Whether `signer` may write `value` of `kind` at `resource`. The failure says which rule broke.
[[nodiscard]] Result<void> check_access(const config::OverlayConfig& config, const config::Kind& kind,
                                        const ResourceId& resource, const Signer& signer,
                                        const wire::StoredDataValue& value, const Crypto& crypto);

// RFC 7904 3.4: whether an address of record of this domain may be stored in the overlay.
[[nodiscard]] bool domain_admissible(const config::OverlayConfig& config, std::string_view domain);

}  // namespace reload::security
