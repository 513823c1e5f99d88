// A kind-block element to a Kind (6940 11.1, RFC 7904 3.4).
#pragma once

#include "reload/config/kind_registry.hpp"
#include "reload/config/xml_tree.hpp"

namespace reload::config {

// `registered` gives the definitions that a document can't change. What the block asks for and nobody here can do goes
// to `unsupported`, and the Kind is then not to be used.
[[nodiscard]] Result<Kind> read_kind_block(const XmlElement& block, ByteView document, const KindRegistry& registered,
                                           std::vector<std::string>& unsupported);

}  // namespace reload::config
