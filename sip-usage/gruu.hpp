// RFC 7904 section 6: a URI that carries the way to one device.
#pragma once

#include <optional>
#include <string>

#include "reload/wire/destination.hpp"

namespace reload::sip {

// `name;gr=...`: the destination list in base64, padded with '~' (6, T10).
[[nodiscard]] std::string make_gruu(std::string_view name, const wire::DestinationList& destinations);
// The list in the value of a gr parameter; nothing when it is not a destination list, so that the URI is no GRUU of
// this overlay. A value of just a Node-ID's length is taken as a raw Node-ID, as the RFC's own example is.
[[nodiscard]] std::optional<wire::DestinationList> read_gruu(std::string_view gr,
                                                             std::size_t node_id_length = NodeId::kMinSize);

}  // namespace reload::sip
