// What the subcommands do, apart from reading their options.
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
  std::string self_signed;                   // sha256 or sha1: members make their own certificates
  std::optional<std::string> shared_secret;  // empty: a random one is made
  ConfigSettings settings;
};
[[nodiscard]] Result<void> run_init(const InitOptions& options, Wall now, const Streams& streams);

struct IssueOptions {
  Path dir;
  bool self_signed = false;
  Path document;  // with self_signed, in place of dir's
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
[[nodiscard]] Result<void> run_sign_config(const SignOptions& options, Wall now, const Streams& streams);

struct UserOptions {
  Path dir;
  std::string name;
  Path password_file;  // empty: asked for at the terminal, or the first line of the input
  Path list;           // to import
  std::vector<std::string> hosts;
  std::string device;
  std::string host;
  bool json = false;
};
[[nodiscard]] Result<void> run_user_add(const UserOptions& options, const Streams& streams);
[[nodiscard]] Result<void> run_user_list(const UserOptions& options, const Streams& streams);
[[nodiscard]] Result<void> run_user_passwd(const UserOptions& options, const Streams& streams);
[[nodiscard]] Result<void> run_user_disable(const UserOptions& options, const Streams& streams);
[[nodiscard]] Result<void> run_user_enable(const UserOptions& options, const Streams& streams);
[[nodiscard]] Result<void> run_user_remove(const UserOptions& options, const Streams& streams);
[[nodiscard]] Result<void> run_user_forget_device(const UserOptions& options, const Streams& streams);
[[nodiscard]] Result<void> run_user_import(const UserOptions& options, const Streams& streams);

struct ServeOptions {
  Path dir;
  std::string listen;
  Path tls_certificate;
  Path tls_key;
  std::vector<std::string> tls_names;
  unsigned days = 7;
  std::size_t max_node_ids = 4;
  double rate = 50;  // requests in a second from an address or for an account
  Path audit;
};
// Until SIGTERM or SIGINT.
[[nodiscard]] Result<void> run_serve(const ServeOptions& options, const Streams& streams);

}  // namespace reload::certs
