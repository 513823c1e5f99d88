#include "certs/server_options.hpp"

namespace reload::certs {
namespace {

using Run = Result<void> (*)(const UserOptions&, const Streams&);

class UserCommands {
 public:
  UserCommands(CLI::App& user, UserOptions& options, Chosen& chosen)
      : user_(user), options_(options), chosen_(chosen) {}

  CLI::App* add(const char* name, const char* help, Run run) {
    CLI::App* command = user_.add_subcommand(name, help);
    command->add_option("--dir", options_.dir, "Directory of the overlay's authority, made by init")->required();
    command->callback([&options = options_, &chosen = chosen_, run] {
      chosen = [&options, run](const Streams& streams) { return run(options, streams); };
    });
    return command;
  }
  CLI::App* add_named(const char* name, const char* help, Run run) {
    CLI::App* command = add(name, help, run);
    command->add_option("NAME", options_.name, "User name, NAME@DOMAIN; the overlay is the domain if none is given")
        ->required();
    return command;
  }
  void take_password(CLI::App* command) {
    command->add_option("--password-file", options_.password_file,
                        "File whose first line is the password; without it asked for, or the input's first line");
  }

 private:
  CLI::App& user_;
  UserOptions& options_;
  Chosen& chosen_;
};

}  // namespace

void add_user(CLI::App& app, UserOptions& options, Chosen& chosen) {
  CLI::App* user = app.add_subcommand("user", "The accounts of the enrolment server, also while it runs");
  user->require_subcommand(1);
  UserCommands commands(*user, options, chosen);
  CLI::App* add = commands.add_named("add", "Add an account", run_user_add);
  commands.take_password(add);
  add->add_option("--host", options.hosts,
                  "A peer's account: it may also enrol the users that this pattern has, * for any characters, like "
                  "*@phones.example; repeatable");
  commands.add("list", "List the accounts", run_user_list)->add_flag("--json", options.json, "Print JSON");
  commands.take_password(commands.add_named("passwd", "Change the password of an account", run_user_passwd));
  commands.add_named("disable", "No certificates for this account until it is enabled again", run_user_disable);
  commands.add_named("enable", "Undo disable", run_user_enable);
  commands.add_named("remove", "Remove an account; its Node-IDs are never given again", run_user_remove);
  CLI::App* forget = commands.add_named(
      "forget-device", "Forget a device, also a revoked one: when it enrols again it gets new Node-IDs",
      run_user_forget_device);
  forget->add_option("--device", options.device, "Its name; without it the one without a name");
  forget->add_option("--by", options.host, "Account of the peer that has enrolled it; without it the user");
  commands.add("import", "Add the accounts of a list, all or none", run_user_import)
      ->add_option("FILE", options.list, "Lines of NAME[@DOMAIN],PASSWORD")
      ->required();
}

void add_serve(CLI::App& app, ServeOptions& options, Chosen& chosen) {
  CLI::App* serve = app.add_subcommand("serve", "Run the configuration and enrolment server");
  serve->add_option("--dir", options.dir, "Directory of the overlay's authority, made by init")->required();
  serve->add_option("--listen", options.listen, "Address to listen at, ADDR:PORT or [ADDR6]:PORT; port 0: a free one")
      ->required();
  CLI::Option* certificate =
      serve->add_option("--tls-cert", options.tls_certificate,
                        "PEM file of the server's certificate and intermediate ones, read again when it changes; "
                        "without it certificates are made under tls-ca.pem in --dir");
  CLI::Option* key = serve->add_option("--tls-key", options.tls_key, "PEM file of its key");
  certificate->needs(key);
  key->needs(certificate);
  serve
      ->add_option("--tls-name", options.tls_names,
                   "A name or address of this server for the certificate that is made, beside the overlay's name, "
                   "the hosts of its enrollment-servers and the address of --listen; repeatable")
      ->excludes(certificate);
  serve->add_option("--days", options.days, "How long the certificates of members are valid, in days")
      ->check(CLI::Range(1u, 3650u))
      ->capture_default_str();
  serve->add_option("--max-node-ids", options.max_node_ids, "Node-IDs that a member may have in a certificate")
      ->check(CLI::Range(std::size_t{1}, kMaxNodeIds))
      ->capture_default_str();
  serve
      ->add_option("--rate", options.rate,
                   "Requests in a second from one address or for one account, ten times that at once; wrong "
                   "passwords are limited further")
      ->check(CLI::Range(0.1, 100000.0))
      ->capture_default_str();
  serve->add_option("--audit", options.audit, "File for a line about each decision; default: audit.jsonl in --dir");
  serve->callback([&] { chosen = [&](const Streams& streams) { return run_serve(options, streams); }; });
}

}  // namespace reload::certs
