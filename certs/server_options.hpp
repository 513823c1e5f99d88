// The options of reload-certs user and serve.
#pragma once

#include <CLI/CLI.hpp>

#include "certs/commands.hpp"

namespace reload::certs {

// What the options asked for; empty if it was another subcommand.
using Chosen = std::function<Result<void>(const Streams&)>;

void add_user(CLI::App& app, UserOptions& options, Chosen& chosen);
void add_serve(CLI::App& app, ServeOptions& options, Chosen& chosen);

}  // namespace reload::certs
