// A password from a person or a file; never from the command line, which every user of the machine can see.
#pragma once

#include "certs/files.hpp"
#include "certs/pki.hpp"

namespace reload::certs {

// The first line of the file; without a file that of the input, asked for twice and without echo at a terminal.
[[nodiscard]] Result<SecretText> read_password(const Path& file, const std::string& whose);

}  // namespace reload::certs
