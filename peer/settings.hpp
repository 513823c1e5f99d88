// Everything an operator can set of a peer: as options, or under the same names in a JSON file.
#pragma once

#include <string>
#include <vector>

#include "reload/base/result.hpp"
#include "reload/io/config_source.hpp"
#include "reload/io/credential_source.hpp"
#include "reload/io/driver.hpp"
#include "sip-usage/sofia/service.hpp"

namespace reload::peer {

struct Settings {
  io::ConfigSourceOptions config_source;
  std::uint32_t config_poll = 3600;
  std::string credential;
  std::string self_signed;  // the user name of a credential that this peer makes for itself
  std::string enroll_user;
  std::string enroll_password_file;
  std::string enroll_device;
  std::string users;
  std::string host_users;
  std::string host_key;
  bool host_on_register = false;
  std::string data;
  std::string durability = "process";
  std::size_t data_limit_mib = 1024;
  std::string listen = "0.0.0.0:6084";
  std::string advertise;
  std::vector<std::string> bootstrap;
  bool first_peer = false;
  unsigned crypto_threads = 0;
  std::string key_log;

  std::vector<std::string> sip_listen;
  std::string passwords;
  std::vector<std::string> sip_digest = {"md5"};
  std::uint32_t sip_min_expires = 60;
  std::uint32_t sip_default_expires = 3600;
  std::uint32_t sip_max_expires = 7200;
  bool no_anonymous_calls = false;
  std::uint32_t stranger_rate = 500;
  std::uint32_t register_rate = 500;

  std::string admin = "127.0.0.1:8080";
  std::string log_level = "info";
  std::string log_file;
};

// What the command line asks for. `exit_code` is set when the program is to end at once (--help, a wrong option), after
// its message was printed.
struct CommandLine {
  Settings settings;
  std::optional<int> exit_code;
};
[[nodiscard]] CommandLine parse_command_line(int argc, char** argv);

// Settings that are wrong in themselves, before anything is opened: each line names the option and the cure.
[[nodiscard]] Result<void> check(const Settings& settings);
// Whether this peer gets credentials of users with its own account.
[[nodiscard]] inline bool enrolls_users(const Settings& settings) {
  return !settings.host_users.empty() || settings.host_on_register;
}
[[nodiscard]] io::CredentialOptions credential_options(const Settings& settings);
[[nodiscard]] Result<sip::SipOptions> sip_options(const Settings& settings);

}  // namespace reload::peer
