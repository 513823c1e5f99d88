// The options of reload-certs config, revoke, roll-signer and roll-ca.
#pragma once

#include "certs/change_commands.hpp"
#include "certs/server_options.hpp"

namespace reload::certs {

struct ChangeOptions {
  ConfigSetOptions set;
  ShowOptions show;
  Path dir;  // of config show and config push
  PushOptions push;
  RevokeOptions revoke;
  RollOptions roll_signer;
  RollOptions roll_ca;
};
// `options` outlives the parsing and `chosen`.
void add_changes(CLI::App& app, ChangeOptions& options, Wall now, Chosen& chosen);

}  // namespace reload::certs
