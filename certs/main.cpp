// reload-certs: the certificate authority and the configuration document of an overlay, from the command line.
#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <iostream>

#include "certs/change_options.hpp"
#include "certs/commands.hpp"
#include "certs/server_options.hpp"

namespace {

using namespace reload;
using namespace reload::certs;

constexpr int kFailed = 1;
constexpr int kUsage = 2;

const char* const kExamples = R"(Examples:
  reload-certs init --dir overlay --overlay demo.example --bootstrap 127.0.0.1:6084
  reload-certs issue --dir overlay --node --out peer0.pem
  reload-certs issue --dir overlay --user alice@demo.example --out alice.pem
  reload-certs issue --dir overlay --users users.csv --out users.pem --passwords users.passwd
  reload-certs issue --dir overlay --renew users.pem --out users-2027.pem
  reload-certs init --dir club --overlay club.example --self-signed --shared-secret --bootstrap 192.0.2.1:6084
  reload-certs issue --self-signed --overlay-config club/overlay.xml --users users.csv --out users.pem
  reload-certs show users.pem overlay/overlay.xml
  reload-certs user add --dir overlay alice
  reload-certs user import --dir overlay users.csv
  reload-certs serve --dir overlay --listen 192.0.2.1:443
  reload-certs sign-config --dir overlay --in edited.xml --out overlay/overlay.xml

A credential file holds, for each credential, a comment with the user's name and Node-IDs, the private key and the
certificate, all in PEM form. It has mode 0600; keep it so. Exit status: 0 done, 1 failed, 2 wrong usage.)";

const std::map<std::string, io::KeyType> kKeyTypes{{"ecdsa", io::KeyType::ecdsa_p256}, {"rsa", io::KeyType::rsa_2048}};

Wall wall_now() {
  return Wall(std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()));
}

void add_key_and_days(CLI::App& command, io::KeyType& key, unsigned& days) {
  command.add_option("--key", key, "Kind of key: ecdsa (P-256) or rsa (2048 bits)")
      ->transform(CLI::CheckedTransformer(kKeyTypes))
      ->option_text("TEXT:{ecdsa,rsa}=ecdsa");
  command.add_option("--days", days, "How long the certificates are valid, in days")
      ->check(CLI::Range(1u, 36500u))
      ->capture_default_str();
}

void add_dir(CLI::App& command, Path& dir) {
  command.add_option("--dir", dir, "Directory of the overlay's authority, made by init")->required();
}

CLI::App* add_init(CLI::App& app, InitOptions& options) {
  CLI::App* init = app.add_subcommand("init", "Make an overlay: its authority, configuration signer and document");
  ConfigSettings& settings = options.settings;
  init->add_option("--dir", options.dir, "Directory to put the files in; made if absent")->required();
  init->add_option("--overlay", settings.overlay, "Name of the overlay, a domain name like demo.example")->required();
  init->add_option("--bootstrap", settings.bootstrap,
                   "Address of a first peer, ADDR[:PORT] or [ADDR6]:PORT; repeatable");
  const auto modes = "Who is a member";
  init->add_flag("--self-signed{sha256}", options.self_signed,
                 "Members make their own certificates and need no authority; their Node-IDs are this digest of their "
                 "keys: sha256 or sha1. User names are not protected then")
      ->check(CLI::IsMember({"sha256", "sha1"}))
      ->group(modes);
  init->add_option("--shared-secret", options.shared_secret,
                   "Links are only for those who know a secret, which is in the document: this one, or a random one "
                   "when none is given")
      ->expected(0, 1)
      ->option_text("[TEXT]")
      ->group(modes);
  add_key_and_days(*init, options.key_type, options.days);
  const auto number = [&](const char* name, auto& value, auto low, auto high, const char* help) {
    using Number = std::remove_reference_t<decltype(value)>;
    init->add_option(name, value, help)
        ->check(CLI::Range(static_cast<Number>(low), static_cast<Number>(high)))
        ->capture_default_str()
        ->group("Settings of the overlay");
  };
  number("--max-message-size", settings.max_message_size, 5000, 16000000, "Longest message in bytes");
  number("--initial-ttl", settings.initial_ttl, 8, 255, "Hops a message may take");
  number("--chord-update-interval", settings.chord_update_interval, 1, 86400, "Seconds between Updates to neighbours");
  number("--chord-ping-interval", settings.chord_ping_interval, 1, 86400, "Seconds between Pings to fingers");
  number("--reliability-timer-ms", settings.reliability_timer_ms, 200, 60000, "Overlay-reliability-timer");
  number("--sip-max-count", settings.sip_max_count, 1, 65535, "Registrations of one user: one for each peer it uses");
  number("--sip-max-size", settings.sip_max_size, 64, 65535, "Bytes of one registration");
  init->add_option("--enrollment-server", settings.enrollment_servers,
                   "https: URL where members get their certificates, like https://phones.example/enroll; repeatable")
      ->group("Settings of the overlay");
  init->add_option("--domain-restriction", settings.domains,
                   "Domains that users may have: own (the overlay's name), or POSIX extended regular expressions over "
                   "the whole domain; repeatable. Without it every domain")
      ->group("Settings of the overlay");
  init->add_flag("--no-ice,!--ice", settings.no_ice, "Links without ICE, the only ones built so far")
      ->default_str("true")
      ->group("Settings of the overlay");
  init->add_flag("--clients,!--no-clients", settings.clients, "Whether nodes may stay clients")
      ->default_str("true")
      ->group("Settings of the overlay");
  init->add_flag("--chord-reactive,!--no-chord-reactive", settings.chord_reactive,
                 "Whether changes of neighbours are told at once")
      ->default_str("true")
      ->group("Settings of the overlay");
  return init;
}

CLI::App* add_issue(CLI::App& app, IssueOptions& options) {
  CLI::App* issue = app.add_subcommand("issue", "Issue credentials: a private key and a certificate each");
  CLI::Option* dir = issue->add_option("--dir", options.dir, "Directory of the overlay's authority, made by init");
  CLI::Option* self_signed = issue->add_flag(
      "--self-signed", options.self_signed,
      "Of an overlay whose members make their own certificates: no authority is needed, only its document");
  CLI::Option* document = issue->add_option("--overlay-config", options.document,
                                            "With --self-signed: the overlay's configuration document");
  dir->excludes(document);
  document->needs(self_signed);
  issue->add_option("--out", options.out, "File to write, mode 0600; must not exist, but for --append")->required();
  CLI::Option* node =
      issue->add_flag("--node", options.node, "A credential for a peer or client, with a made-up user name");
  CLI::Option* user = issue->add_option("--user", options.user,
                                        "A credential for this user, NAME@DOMAIN; with --node: the node's name");
  CLI::Option* users = issue->add_option(
      "--users", options.users, "One credential for each user of this file, lines of NAME[@DOMAIN][,PASSWORD]");
  CLI::Option* renew = issue->add_option(
      "--renew", options.renew, "New keys and certificates for the users and Node-IDs of this credential file");
  users->excludes(node)->excludes(user)->excludes(renew);
  renew->excludes(node)->excludes(user)->excludes(self_signed);
  issue
      ->add_option("--passwords", options.passwords,
                   "Also write the users' SIP passwords as digests, user:realm:HA1-MD5:HA1-SHA256 a line, mode 0600")
      ->needs(users);
  issue->add_flag("--append", options.append, "Add to --out and --passwords, if they exist");
  issue->add_option("--node-ids", options.node_ids, "Node-IDs in each certificate")
      ->check(CLI::Range(std::size_t{1}, kMaxNodeIds))
      ->capture_default_str()
      ->excludes(renew);
  add_key_and_days(*issue, options.key_type, options.days);
  issue->callback([=] {
    if (!*dir && !*document)
      throw CLI::RequiredError("issue: say where the overlay is: --dir, or --overlay-config with --self-signed",
                               CLI::ExitCodes::RequiredError);
    if (*node || *user || *users || *renew) return;
    throw CLI::RequiredError("issue: say what to issue: --node, --user, --users or --renew",
                             CLI::ExitCodes::RequiredError);
  });
  return issue;
}

CLI::App* add_show(CLI::App& app, ShowOptions& options) {
  CLI::App* show =
      app.add_subcommand("show", "Print certificates, credential files and configuration documents; no keys");
  show->add_option("FILE", options.files, "Files to print")->required();
  show->add_flag("--json", options.json, "Print JSON");
  show->add_option("--limit", options.limit, "Print so many certificates of each file; 0 is all")
      ->capture_default_str();
  return show;
}

CLI::App* add_sign_config(CLI::App& app, SignOptions& options) {
  CLI::App* sign = app.add_subcommand("sign-config", "Sign an edited configuration document and its Kinds");
  add_dir(*sign, options.dir);
  sign->add_option("--in", options.in, "The document to sign; signatures in it are replaced")->required();
  sign->add_option("--out", options.out, "Where to write it; default: overlay.xml in --dir");
  return sign;
}

int report(const Result<void>& done) {
  if (done) return 0;
  std::cerr << "reload-certs: " << done.error().text << '\n';
  return kFailed;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // a file at its size limit is a failed write, like a full disk
  CLI::App app("Certificates and configuration of a RELOAD overlay (RFC 6940)", "reload-certs");
  app.footer(kExamples);
  app.require_subcommand(1);
  InitOptions init;
  IssueOptions issue;
  ShowOptions show;
  SignOptions sign;
  UserOptions user;
  ServeOptions serve;
  Chosen chosen;
  const CLI::App* init_command = add_init(app, init);
  const CLI::App* issue_command = add_issue(app, issue);
  const CLI::App* show_command = add_show(app, show);
  add_sign_config(app, sign);
  add_user(app, user, chosen);
  add_serve(app, serve, chosen);
  ChangeOptions change;
  add_changes(app, change, wall_now(), chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (!app.remaining().empty()) std::cerr << "Not understood: " << app.remaining().front() << '\n';
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  const Streams streams{std::cout, std::cerr};
  if (chosen) return report(chosen(streams));
  if (init_command->parsed()) return report(run_init(init, wall_now(), streams));
  if (issue_command->parsed()) return report(run_issue(issue, wall_now(), streams));
  if (show_command->parsed()) return report(run_show(show, wall_now(), streams));
  return report(run_sign_config(sign, wall_now(), streams));
}
