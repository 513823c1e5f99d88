// The document of a directory given to running peers, as a client that has the configuration signer's credential.
#pragma once

#include "certs/change_commands.hpp"

namespace reload::certs {

// As change_commands.hpp has it. A failure if no peer has the document in the end.
[[nodiscard]] Result<void> push_document(const Path& dir, const std::vector<std::string>& peers,
                                         const Streams& streams);

}  // namespace reload::certs
