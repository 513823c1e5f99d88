#include "client/settings.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "client/print.hpp"
#include "reload/io/uv_tcp.hpp"

namespace reload::client {

namespace {

constexpr const char* kFooter =
    R"(Common options come before or after the command. `reload-client COMMAND --help` tells of each command.

Examples, in the directory of a demo overlay (tools/run; by default ./var/demo):
  reload-certs issue --dir . --node --out client.pem
  reload-certs issue --dir . --user alice@demo.example --out alice.pem
  alias rc='reload-client --overlay-config overlay.xml --credential client.pem'
  rc ping -c 3
  rc route user0@demo.example
  rc resolve user0@demo.example
  rc --user-credential alice.pem register alice@demo.example --to user0@demo.example
  rc --json fetch alice@demo.example --kind SIP-REGISTRATION

Exit status: 0 done; 1 refused, or nothing found; 2 wrong usage: an option, or a file or address that it names, and
nothing was sent; 3 not attached to the overlay, or no answer, in time; 130 interrupted. Results go to standard output,
errors to standard error. With --json standard output is one JSON object, whose "error" says what failed.)";

constexpr const char* kPingFooter =
    R"(Examples, with the common options (reload-client --help) left out:
  reload-client ... ping -c 3
  reload-client ... ping 5f1c0a52d3f04c6e9b7a8d2e41c3b607
  reload-client ... ping alice@demo.example
  reload-client ... ping ffffffffffffffffffffffffffffffff)";

constexpr const char* kPushConfigFooter =
    R"(The peer takes it if it is newer and signed by a configuration-signer of its own document, and gives it to
others.

Example, with the common options (reload-client --help) left out:
  reload-client ... push-config overlay.xml)";

constexpr const char* kFetchFooter =
    R"(NAME is a Resource Name, such as alice@demo.example; node:HEX stands for a Node-ID's own bytes, as
CERTIFICATE_BY_NODE has them. KIND is one of the configuration document's or CERTIFICATE_BY_NODE, CERTIFICATE_BY_USER
and TURN-SERVICE. Values are printed in hexadecimal, registrations in words.

Examples, with the common options (reload-client --help) left out:
  reload-client ... fetch alice@demo.example --kind SIP-REGISTRATION
  reload-client ... fetch node:5f1c0a52d3f04c6e9b7a8d2e41c3b607 --kind CERTIFICATE_BY_NODE)";

constexpr const char* kStatFooter =
    R"(Like fetch, but what comes is each value's length, time and hash, not the value: as the peer in charge tells it.
The hash is over the value with its length in four bytes before it.

Example, with the common options (reload-client --help) left out:
  reload-client ... stat alice@demo.example --kind SIP-REGISTRATION)";

constexpr const char* kFindFooter =
    R"(Asks the peer in charge of FROM for the next Resource-ID from there on that it holds values of a Kind under. FROM
is a NAME as in fetch, or resource:HEX as find prints it.

Examples, with the common options (reload-client --help) left out:
  reload-client ... find alice@demo.example --kind SIP-REGISTRATION
  reload-client ... find resource:5f1c0a52d3f04c6e9b7a8d2e41c3b607 --kind 16 --kind TURN-SERVICE)";

constexpr const char* kProbeFooter =
    R"(TO is as in ping. Prints how much of the overlay the peer is in charge of, how many resources it holds and for
how long it has been up.

Examples, with the common options (reload-client --help) left out:
  reload-client ... probe
  reload-client ... probe 5f1c0a52d3f04c6e9b7a8d2e41c3b607)";

constexpr const char* kStoreFooter =
    R"(NAME and KIND are as in fetch. The Kind's access policy says who may store where: USER-MATCH and USER-NODE-MATCH
under the name of a user, with the user's credential; NODE-MATCH under a Node-ID, with that node's.

Examples, with the common options (reload-client --help) left out:
  openssl x509 -in alice.pem -outform der -out alice.der
  reload-client ... --user-credential alice.pem store alice@demo.example --kind CERTIFICATE_BY_USER --file alice.der
  reload-client ... --user-credential alice.pem store alice@demo.example --kind 16 --index 0 --remove)";

constexpr const char* kRegisterFooter =
    R"(One entry for each credential: to register again replaces the last one. Phones register at a peer, by SIP; this
is for forwarding, for nodes that take calls themselves, and for tests. This program takes no calls: without --to and
--via the entry leads to its own node, where nobody answers.

Examples, with the common options (reload-client --help) left out:
  reload-client ... --user-credential alice.pem register alice@demo.example --to bob@demo.example
  reload-client ... --user-credential alice.pem register alice@demo.example --via 5f1c0a52d3f04c6e9b7a8d2e41c3b607
  reload-client ... --user-credential alice.pem register alice@demo.example --remove)";

constexpr const char* kResolveFooter =
    R"(Prints the entries that were read, those to other addresses followed, and then where a call would go. A phone
registered at a peer shows as an entry to that peer's node.

Example, with the common options (reload-client --help) left out:
  reload-client ... resolve alice@demo.example)";

constexpr const char* kRouteFooter =
    R"(Asks one peer after the other for its next hop. Each line is a peer on the way and how long its answer took; the
last is in charge.

Examples, with the common options (reload-client --help) left out:
  reload-client ... route alice@demo.example
  reload-client ... route 5f1c0a52d3f04c6e9b7a8d2e41c3b607)";

// CLI11 turns the text of what is thrown into its message about the option.
std::string check_address(const std::string& text) {
  const auto address = io::parse_address(text, 6084);
  return address ? std::string() : address.error().text;
}

void add_common(CLI::App& app, Settings& s) {
  app.add_option("--overlay-config", s.config_source.file,
                 "This or --overlay is required: the overlay's configuration document (reload-certs init)")
      ->option_text("FILE");
  app.add_option("--overlay", s.config_source.overlay,
                 "The overlay's name. Without --overlay-config its document is fetched from the server that DNS names: "
                 "SRV _reload-config._tcp.NAME, then https://NAME/.well-known/reload-config")
      ->option_text("NAME");
  app.add_option("--config-url", s.config_source.url,
                 "With --overlay: fetch the document from here and don't ask DNS for a server")
      ->option_text("https://...");
  app.add_option(
         "--tls-ca", s.config_source.ca_file,
         "Authorities that the certificates of configuration and enrollment server may come from, instead of this "
         "machine's (PEM)")
      ->option_text("FILE");
  app.add_option("--dns-server", s.config_source.dns_server, "Ask this DNS server instead of this machine's")
      ->option_text("ADDRESS[:PORT]");
  app.add_option("--credential", s.credential,
                 "This or --enroll-user is required: this client's key and certificate (reload-certs issue --node)")
      ->option_text("FILE");
  app.add_option(
         "--self-signed", s.self_signed,
         "Of an overlay whose members make their own certificates: the name of this one, NAME[@DOMAIN]. Its key "
         "and certificate are made and kept in --credential, unless that is there")
      ->option_text("NAME");
  app.add_option(
         "--enroll-user", s.enroll_user,
         "The account with which to get a credential from the overlay's enrollment server. It is kept in --data")
      ->option_text("NAME[@DOMAIN]");
  app.add_option("--enroll-password-file", s.enroll_password_file, "Its password, alone in a file")
      ->option_text("FILE");
  app.add_option("--enroll-device", s.enroll_device,
                 "Tells the machines of one account apart, each of which has a Node-ID of its own. Default: this "
                 "machine's name")
      ->option_text("TEXT");
  app.add_option("--data", s.data,
                 "Directory, made when missing, in which the enrolled credential and what the overlay says of its "
                 "configuration are kept for the next command. Default: nothing is kept")
      ->option_text("DIR");
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
  app.add_flag("--json", s.json, "Print one JSON object on standard output, also for a failure");
  app.add_option("--key-log", s.key_log, "Append TLS secrets to FILE, to decrypt captures. For debugging only")
      ->option_text("FILE");
  app.add_option("--log-level", s.log_level, "How much to tell on standard error")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
      ->capture_default_str();
}

// Each gives its options a place of their own and says how they become the command.
template <class Options>
std::shared_ptr<Options> add_command(CLI::App& app, Settings& settings, const char* name, const char* help,
                                     const char* footer, CLI::App*& command) {
  const auto options = std::make_shared<Options>();
  command = app.add_subcommand(name, help);
  command->fallthrough();
  command->footer(footer);
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
  const auto o = add_command<PingOptions>(app, settings, "ping", "Who answers, and how fast", kPingFooter, command);
  command->add_option(
      "TO", o->to,
      "A Node-ID; the wildcard, 32 times f, for whichever peer gets it; or a Resource Name, for whoever is in "
      "charge of it. Default: the peer attached to");
  command->add_option("-c,--count", o->count, "How many, one after the other")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
}

void add_place(CLI::App& command, FetchOptions& options) {
  command.add_option("NAME", options.name, "Resource Name")->required();
  command.add_option("--kind", options.kind, "Kind of the values")->required();
  command.add_option("--key", options.keys, "Only this dictionary key, in hexadecimal; repeatable")
      ->allow_extra_args(false);
}

void add_fetch(CLI::App& app, Settings& settings) {
  CLI::App* command = nullptr;
  const auto o =
      add_command<FetchOptions>(app, settings, "fetch", "The values stored under a name", kFetchFooter, command);
  add_place(*command, *o);
}

void add_stat(CLI::App& app, Settings& settings) {
  CLI::App* command = nullptr;
  const auto o = add_command<StatOptions>(app, settings, "stat", "Length, time and hash of the values under a name",
                                          kStatFooter, command);
  add_place(*command, *o);
}

void add_find(CLI::App& app, Settings& settings) {
  CLI::App* command = nullptr;
  const auto o = add_command<FindOptions>(app, settings, "find", "The next resource that has values of a Kind",
                                          kFindFooter, command);
  command->add_option("FROM", o->from, "Resource Name, or resource:HEX")->required();
  command->add_option("--kind", o->kinds, "Kind of the values; repeatable")->required()->allow_extra_args(false);
}

void add_probe(CLI::App& app, Settings& settings) {
  CLI::App* command = nullptr;
  const auto o =
      add_command<ProbeOptions>(app, settings, "probe", "What a peer tells of its load", kProbeFooter, command);
  command->add_option("TO", o->to, "A Node-ID or a Resource Name. Default: the peer attached to");
}

void add_store(CLI::App& app, Settings& settings) {
  CLI::App* command = nullptr;
  const auto o =
      add_command<StoreOptions>(app, settings, "store", "Store a value, or remove it", kStoreFooter, command);
  command->add_option("NAME", o->name, "Resource Name")->required();
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
  const auto o = add_command<RegisterOptions>(
      app, settings, "register", "Store where a user's address of record leads (RFC 7904)", kRegisterFooter, command);
  command->add_option("AOR", o->aor, "Address of record; its credential must be in --user-credential")->required();
  auto* remove = command->add_flag("--remove", o->remove, "Remove the registration of this credential");
  auto* to = command->add_option("--to", o->to, "Lead to this other address: USER@DOMAIN, or a URI")->excludes(remove);
  command->add_option("--via", o->via, "Lead to the node at the end of these Node-IDs, such as a SIP peer; repeatable")
      ->excludes(to)
      ->excludes(remove)
      ->allow_extra_args(false);
  command->add_option("--prefs", o->prefs, "Contact preferences of the device, such as (sip.schemes=SIPS)")
      ->excludes(to)
      ->excludes(remove);
  add_lifetime(*command, o->lifetime);
}

void add_resolve(CLI::App& app, Settings& settings) {
  CLI::App* command = nullptr;
  const auto o = add_command<ResolveOptions>(app, settings, "resolve", "The nodes that a call to a user goes to",
                                             kResolveFooter, command);
  command->add_option("AOR", o->aor, "Address of record, or a GRUU")->required();
}

void add_route(CLI::App& app, Settings& settings) {
  CLI::App* command = nullptr;
  const auto o = add_command<RouteOptions>(app, settings, "route", "Which peer is in charge, and the hops to it",
                                           kRouteFooter, command);
  command->add_option("TO", o->to, "A Node-ID or a Resource Name")->required();
}

void add_push_config(CLI::App& app, Settings& settings) {
  CLI::App* command = nullptr;
  const auto o = add_command<PushConfigOptions>(app, settings, "push-config",
                                                "Give a peer a newer configuration document (RFC 6940 6.5.4)",
                                                kPushConfigFooter, command);
  command->add_option("FILE", o->file, "The document, as reload-certs has signed it")->required();
  // Where no clients are permitted, one that only hands something over is none.
  command->parse_complete_callback([&settings] { settings.visits = true; });
}

std::string check_required(const CLI::App& app, const Settings& s) {
  if (app.get_subcommands().empty())
    return "no command: name one of ping, fetch, stat, find, store, register, resolve, route, "
           "probe and push-config";
  if (const auto source = io::ConfigSource::make(s.config_source); !source) return source.error().text;
  if (const auto source = io::CredentialSource::make(credential_options(s)); !source) return source.error().text;
  return {};
}

}  // namespace

io::CredentialOptions credential_options(const Settings& s) {
  return {s.credential, s.enroll_user,           s.enroll_password_file,    s.enroll_device,
          s.data,       s.config_source.ca_file, s.config_source.dns_server};
}

CommandLine parse_command_line(int argc, const char* const* argv) {
  CommandLine line;
  CLI::App app("reload-client: uses a RELOAD overlay (RFC 6940) through one of its peers, without joining it",
               "reload-client");
  app.footer(kFooter);
  app.set_version_flag("--version", RELOAD_VERSION);
  app.require_subcommand(0, 1);
  app.set_help_all_flag("--help-all", "Print the help of all commands and exit");
  add_common(app, line.settings);
  add_ping(app, line.settings);
  add_fetch(app, line.settings);
  add_stat(app, line.settings);
  add_find(app, line.settings);
  add_store(app, line.settings);
  add_register(app, line.settings);
  add_resolve(app, line.settings);
  add_route(app, line.settings);
  add_probe(app, line.settings);
  add_push_config(app, line.settings);
  std::string wrong;
  try {
    app.parse(argc, argv);
    wrong = check_required(app, line.settings);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      line.exit_code = app.exit(error);
      return line;
    }
    wrong = error.what();
  }
  if (!wrong.empty()) {
    const auto commands = app.get_subcommands();
    const std::string which = commands.empty() ? "" : commands.front()->get_name() + " ";
    const bool json =
        std::any_of(argv, argv + argc, [](const char* word) { return std::string_view(word) == "--json"; });
    line.exit_code = print(failed(Exit::usage, wrong + "; see reload-client " + which + "--help"), json);
  }
  return line;
}

}  // namespace reload::client
