#include "client/settings.hpp"

#include <CLI/CLI.hpp>

#include "client/ending.hpp"
#include "reload/io/uv_tcp.hpp"

namespace reload::client {

namespace {

constexpr const char* kFooter =
    R"(NAME is a Resource Name, such as alice@demo.example; node:HEX stands for a Node-ID's own bytes, as
CERTIFICATE_BY_NODE has them. KIND is a Kind's name or number. Node-IDs are 32 hexadecimal digits.

Examples, after reload-certs issue --dir overlay --node --out client.pem:
  reload-client --overlay-config overlay/overlay.xml --credential client.pem ping -c 3
  reload-client ... --peer 127.0.0.1:6084 ping 5f1c0a52d3f04c6e9b7a8d2e41c3b607
  reload-client ... fetch alice@demo.example --kind SIP-REGISTRATION
  reload-client ... --user-credential alice.pem store alice@demo.example --kind CERTIFICATE_BY_USER --file alice.der
  reload-client ... --user-credential alice.pem register alice@demo.example --to bob@demo.example
  reload-client ... --user-credential alice.pem register alice@demo.example --remove
  reload-client ... --json resolve alice@demo.example
  reload-client ... route alice@demo.example

Exit status: 0 done; 1 failed: not found, refused, a file that can't be read; 2 wrong usage; 3 not attached to the
overlay, or no answer, in time.)";

// CLI11 turns the text of what is thrown into its message about the option.
std::string check_address(const std::string& text) {
  const auto address = io::parse_address(text, 6084);
  return address ? std::string() : address.error().text;
}

void add_common(CLI::App& app, Settings& s) {
  app.add_option("--overlay-config", s.overlay_config, "The overlay's configuration document (reload-certs init)")
      ->option_text("FILE")
      ->required();
  app.add_option("--credential", s.credential, "This client's key and certificate (reload-certs issue --node)")
      ->option_text("FILE")
      ->required();
  app.add_option("--user-credential", s.user_credential,
                 "Credentials of users to store and register as (reload-certs issue --user); of several the one whose "
                 "name fits is used")
      ->option_text("FILE");
  app.add_option("--peer", s.peers,
                 "Attach through this peer, any will do; repeatable. Default: the document's bootstrap nodes")
      ->option_text("ADDRESS[:PORT]")
      ->check(check_address)
      ->allow_extra_args(false);
  app.add_option("--listen", s.listen,
                 "Where the peer in charge of this client may connect to it. Default: a free port of the address that "
                 "faces the peers")
      ->option_text("ADDRESS:PORT")
      ->check(check_address);
  app.add_option("--timeout", s.timeout, "Seconds for all of it")->check(CLI::Range(1, 3600))->capture_default_str();
  app.add_flag("--json", s.json, "Print one JSON object, also for a failure");
  app.add_option("--key-log", s.key_log, "Append TLS secrets to FILE, to decrypt captures. For debugging only")
      ->option_text("FILE");
  app.add_option("--log-level", s.log_level, "How much to tell on standard error")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
      ->capture_default_str();
}

// Each gives its options a place of their own and says how they become the command.
template <class Options>
std::shared_ptr<Options> add_command(CLI::App& app, Settings& settings, const char* name, const char* help,
                                     CLI::App*& command) {
  const auto options = std::make_shared<Options>();
  command = app.add_subcommand(name, help);
  command->fallthrough();
  command->callback([&settings, options] { settings.command = *options; });
  return options;
}

void add_lifetime(CLI::App& command, std::uint32_t& lifetime) {
  command.add_option("--lifetime", lifetime, "Seconds until the value expires")
      ->check(CLI::Range(1u, 0xffffffffu))
      ->capture_default_str();
}

void add_ping(CLI::App& app, Settings& settings) {
  CLI::App* command = nullptr;
  const auto o = add_command<PingOptions>(app, settings, "ping", "Who answers, and how fast", command);
  command->add_option("to", o->to,
                      "A Node-ID, or a Resource Name for whoever is in charge of it. Default: the peer attached to");
  command->add_option("-c,--count", o->count, "How many, one after the other")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
}

void add_fetch(CLI::App& app, Settings& settings) {
  CLI::App* command = nullptr;
  const auto o = add_command<FetchOptions>(app, settings, "fetch", "The values stored under a name", command);
  command->add_option("name", o->name, "Resource Name")->required();
  command->add_option("--kind", o->kind, "Kind of the values")->required();
  command->add_option("--key", o->keys, "Only this dictionary key, in hexadecimal; repeatable")
      ->allow_extra_args(false);
}

void add_store(CLI::App& app, Settings& settings) {
  CLI::App* command = nullptr;
  const auto o = add_command<StoreOptions>(app, settings, "store", "Store a value, or remove it", command);
  command->add_option("name", o->name, "Resource Name")->required();
  command->add_option("--kind", o->kind, "Kind of the value")->required();
  auto* content = command->add_option_group("content", "the value: exactly one of these");
  content->add_option("--value", o->value, "The value as text");
  content->add_option("--hex", o->hex, "The value in hexadecimal");
  content->add_option("--file", o->file, "The value is what this file holds");
  content->add_flag("--remove", o->remove, "Store that there is no value any more");
  content->require_option(1);
  command->add_option("--key", o->key, "Dictionary key in hexadecimal. Default: the signer's Node-ID");
  command->add_option("--index", o->index, "Index in an array. Default: the value is appended");
  command->add_option(
      "--as", o->as_user,
      "Sign as this user of --user-credential. Default: the user of that NAME, else this client's node");
  add_lifetime(*command, o->lifetime);
}

void add_register(CLI::App& app, Settings& settings) {
  CLI::App* command = nullptr;
  const auto o = add_command<RegisterOptions>(app, settings, "register",
                                              "Store where a user's address of record leads (RFC 7904)", command);
  command->add_option("aor", o->aor, "Address of record; its credential must be in --user-credential")->required();
  auto* to = command->add_option("--to", o->to, "Lead to this other address. Default: to this client's node");
  command->add_option("--via", o->via, "Lead to the node at the end of these Node-IDs, such as a SIP peer; repeatable")
      ->excludes(to)
      ->allow_extra_args(false);
  command->add_option("--prefs", o->prefs, "Contact preferences of the device, such as (sip.schemes=SIPS)")
      ->excludes(to);
  command->add_flag("--remove", o->remove, "Remove the registration of this credential");
  add_lifetime(*command, o->lifetime);
}

void add_resolve(CLI::App& app, Settings& settings) {
  CLI::App* command = nullptr;
  const auto o =
      add_command<ResolveOptions>(app, settings, "resolve", "The nodes that a call to a user goes to", command);
  command->add_option("aor", o->aor, "Address of record, or a GRUU")->required();
}

void add_route(CLI::App& app, Settings& settings) {
  CLI::App* command = nullptr;
  const auto o =
      add_command<RouteOptions>(app, settings, "route", "Which peer is in charge, and the hops to it", command);
  command->add_option("to", o->to, "A Node-ID or a Resource Name")->required();
}

}  // namespace

CommandLine parse_command_line(int argc, const char* const* argv) {
  CommandLine line;
  CLI::App app("reload-client: uses a RELOAD overlay (RFC 6940) through one of its peers, without joining it");
  app.footer(kFooter);
  app.set_version_flag("--version", RELOAD_VERSION);
  app.require_subcommand(1);
  app.set_help_all_flag("--help-all", "Print the help of all commands and exit");
  add_common(app, line.settings);
  add_ping(app, line.settings);
  add_fetch(app, line.settings);
  add_store(app, line.settings);
  add_register(app, line.settings);
  add_resolve(app, line.settings);
  add_route(app, line.settings);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    line.exit_code = app.exit(error) == 0 ? static_cast<int>(Exit::ok) : static_cast<int>(Exit::usage);
  }
  return line;
}

}  // namespace reload::client
