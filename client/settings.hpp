// What the command line says: where the overlay is, who we are, and the one command to run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "reload/base/result.hpp"
#include "reload/io/config_source.hpp"
#include "reload/io/credential_source.hpp"
#include "reload/security/credentials.hpp"

namespace reload::client {

struct PingOptions {
  std::optional<std::string> to;  // nothing: the peer attached to
  unsigned count = 1;
};
struct FetchOptions {
  std::string name;
  std::string kind;
  std::vector<std::string> keys;
};
struct StatOptions : FetchOptions {};
struct FindOptions {
  std::string from;
  std::vector<std::string> kinds;
};
struct ProbeOptions {
  std::optional<std::string> to;  // nothing: the peer attached to
};
struct StoreOptions {
  std::string name;
  std::string kind;
  std::optional<std::string> value;  // at most one of these three
  std::optional<std::string> hex;
  std::optional<std::string> file;
  std::string key;
  std::optional<std::uint32_t> index;
  std::uint32_t lifetime = 3600;
  std::string as_user;
  bool remove = false;
};
struct RegisterOptions {
  std::string aor;
  std::optional<std::string> to;
  std::vector<std::string> via;
  std::string prefs;
  std::uint32_t lifetime = 3600;
  bool remove = false;
};
struct ResolveOptions {
  std::string aor;
};
struct PushConfigOptions {
  std::string file;
};
struct RouteOptions {
  std::string to;
};
using CommandOptions = std::variant<PingOptions, FetchOptions, StatOptions, FindOptions, StoreOptions, RegisterOptions,
                                    ResolveOptions, RouteOptions, ProbeOptions, PushConfigOptions>;

struct Settings {
  io::ConfigSourceOptions config_source;
  std::string credential;
  std::string self_signed;  // the user name of a credential that this client makes for itself
  std::string enroll_user;
  std::string enroll_password_file;
  std::string enroll_device;
  std::string data;
  std::string user_credential;
  std::vector<std::string> peers;
  std::string listen;
  std::string key_log;
  std::string log_level = "warning";
  unsigned timeout = 20;  // seconds
  bool json = false;
  bool visits = false;            // see node::NodeOptions
  security::CredentialPtr own{};  // in place of the file `credential`, for programs
  CommandOptions command;
};

// `exit_code` is set when the program is to end at once (--help, a wrong option), after its message was printed.
struct CommandLine {
  Settings settings;
  std::optional<int> exit_code;
};
[[nodiscard]] io::CredentialOptions credential_options(const Settings& settings);
[[nodiscard]] CommandLine parse_command_line(int argc, const char* const* argv);

}  // namespace reload::client
