// Element and attribute values as numbers, truth values, ids, times and addresses; each failure names the element, what
// stood there and what may stand there.
#pragma once

#include <optional>

#include "reload/base/ids.hpp"
#include "reload/base/result.hpp"
#include "reload/base/time.hpp"
#include "reload/wire/address.hpp"

namespace reload::config {

[[nodiscard]] Result<std::uint64_t> to_number(std::string_view name, std::string_view text, std::uint64_t least,
                                              std::uint64_t most);
[[nodiscard]] Result<bool> to_boolean(std::string_view name, std::string_view text);  // xsd:boolean
[[nodiscard]] Result<Bytes> to_binary(std::string_view name, std::string_view text);  // base64
[[nodiscard]] Result<NodeId> to_node_id(std::string_view name, std::string_view text, std::size_t length);
[[nodiscard]] Result<Wall> to_time(std::string_view name, std::string_view text);  // RFC 3339, UTC
[[nodiscard]] Result<wire::IpAddressPort> to_address(std::string_view name, std::string_view address,
                                                     std::uint16_t port);
// 6940 6.3.2: whether an overlay name has the form of a DNS name.
[[nodiscard]] bool is_overlay_name(std::string_view name);

// The way back.
[[nodiscard]] std::string from_time(Wall time);
[[nodiscard]] std::string from_address(const wire::IpAddressPort& address);  // without the port

}  // namespace reload::config
