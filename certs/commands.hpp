// What the four subcommands do, apart from reading their options.
#pragma once

#include <iosfwd>

#include "certs/authority.hpp"
#include "certs/config_builder.hpp"

namespace reload::certs {

struct Streams {
  std::ostream& out;
  std::ostream& log;  // progress and warnings
};

struct InitOptions {
  Path dir;
  io::KeyType key_type = io::KeyType::ecdsa_p256;
  unsigned days = 3650;
  ConfigSettings settings;
};
[[nodiscard]] Result<void> run_init(const InitOptions& options, Wall now, const Streams& streams);

struct IssueOptions {
  Path dir;
  Path out;
  bool node = false;  // one credential with a made-up user name
  std::string user;   // one credential of this user
  Path users;         // one for each in a list
  Path renew;         // new ones for those in this file
  Path passwords;
  bool append = false;
  io::KeyType key_type = io::KeyType::ecdsa_p256;
  unsigned days = 365;
  std::size_t node_ids = 1;
};
[[nodiscard]] Result<void> run_issue(const IssueOptions& options, Wall now, const Streams& streams);

struct ShowOptions {
  std::vector<Path> files;
  bool json = false;
  std::size_t limit = 10;
};
[[nodiscard]] Result<void> run_show(const ShowOptions& options, Wall now, const Streams& streams);

struct SignOptions {
  Path dir;
  Path in;
  Path out;
};
[[nodiscard]] Result<void> run_sign_config(const SignOptions& options, const Streams& streams);

}  // namespace reload::certs
