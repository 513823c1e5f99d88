// The configuration document (6940 11.1) and Kind definitions to values and back.
#pragma once

#include <functional>

#include "reload/config/overlay_config.hpp"

namespace reload::config {

inline constexpr std::string_view kBaseSpace = "urn:ietf:params:xml:ns:p2p:config-base";
inline constexpr std::string_view kChordSpace = "urn:ietf:params:xml:ns:p2p:config-chord";
inline constexpr std::string_view kSipSpace = "urn:ietf:params:xml:ns:p2p:config-base:sip";  // RFC 7904 9.2

// For overlay_hash; handed in because this folder knows no cryptography.
using Sha1 = std::function<Bytes(ByteView)>;

// The configuration named `instance_name` (or the first one when that is empty). Checks form and values, not
// signatures: those are security/config_signature's. What the document asks for and this program can't do is listed in
// `unsupported`; such a document may be read and shown, but not joined with.
[[nodiscard]] Result<ConfigPtr> read_config(ByteView document, std::string_view instance_name, const Sha1& sha1);

// The same for whoever wants to take part in the overlay: a document with anything unsupported is refused.
[[nodiscard]] Result<ConfigPtr> parse_config(ByteView document, std::string_view instance_name, const Sha1& sha1);

// One kind-block as it travels in a ConfigUpdate, without namespace declarations of its own (6940 6.5.4.1).
[[nodiscard]] Result<Kind> parse_kind_block(ByteView block);

// A document with one configuration, without signatures: the settings that differ from their defaults, and as
// required-kinds the private Kinds and those registered ones whose limits or domains differ from the built-in ones.
[[nodiscard]] std::string write_config(const OverlayConfig& config);

}  // namespace reload::config
