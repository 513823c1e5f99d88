#include "certs/change_options.hpp"

#include "certs/overlay_dir.hpp"
#include "certs/push.hpp"

namespace reload::certs {
namespace {

const std::map<std::string, io::KeyType> kKeyTypes{{"ecdsa", io::KeyType::ecdsa_p256}, {"rsa", io::KeyType::rsa_2048}};

void add_dir(CLI::App& command, Path& dir) {
  command.add_option("--dir", dir, "Directory of the overlay's authority, made by init")->required();
}

void add_push(CLI::App& command, PushOptions& push) {
  auto* to = command.add_option("--push", push.peers,
                                "Give the document to this peer, ADDR:PORT, which gives it to the others; repeatable. "
                                "Default: the document's bootstrap nodes");
  to->allow_extra_args(false);
  command.add_flag("--no-push", push.none, "Change the files only")->excludes(to);
}

void add_config(CLI::App& app, ChangeOptions& options, Wall now, Chosen& chosen) {
  CLI::App* config =
      app.add_subcommand("config", "Show the configuration document and change it while the overlay runs");
  config->require_subcommand(1);
  CLI::App* set = config->add_subcommand("set", "Change the document, sign it and give it to the overlay");
  ConfigSetOptions& o = options.set;
  add_dir(*set, o.dir);
  set->add_option("CHANGE", o.change.set, "KEY=VALUE; keys: " + config_keys())->option_text("KEY=VALUE ...");
  set->add_option("--add", o.change.add, "ELEMENT=VALUE; repeatable. Elements: " + config_elements())
      ->allow_extra_args(false);
  set->add_option("--remove", o.change.remove, "ELEMENT=VALUE, as for --add; repeatable")->allow_extra_args(false);
  set->add_flag("--dry-run", o.dry_run, "Print what would change in the document, without signatures; write nothing");
  add_push(*set, o.push);
  set->footer(
      "Examples:\n"
      "  reload-certs config set --dir overlay max-message-size=100000 expiration=+365\n"
      "  reload-certs config set --dir overlay SIP-REGISTRATION.max-count=32 --add bootstrap-node=192.0.2.9:6084\n"
      "  reload-certs config set --dir overlay --add domain-pattern='.*\\.example\\.org' --dry-run");
  set->callback([&o, &chosen, now] {
    chosen = [&o, now](const Streams& streams) { return run_config_set(o, now, push_document, streams); };
  });

  CLI::App* show = config->add_subcommand("show", "Print the document in force");
  add_dir(*show, options.dir);
  show->add_flag("--json", options.show.json, "Print JSON");
  show->callback([&options, &chosen, now] {
    options.show.files = {OverlayDir{options.dir}.document()};
    chosen = [&options, now](const Streams& streams) { return run_show(options.show, now, streams); };
  });

  CLI::App* push = config->add_subcommand("push", "Give the document in force to peers that have an older one");
  add_dir(*push, options.dir);
  push->add_option("PEER", options.push.peers, "ADDR:PORT. Default: the document's bootstrap nodes");
  push->callback([&options, &chosen] {
    chosen = [&options](const Streams& streams) { return push_document(options.dir, options.push.peers, streams); };
  });
}

void add_revoke(CLI::App& app, RevokeOptions& o, Wall now, Chosen& chosen) {
  CLI::App* revoke = app.add_subcommand("revoke", "Make certificates count no more, in the running overlay too");
  add_dir(*revoke, o.dir);
  auto* who = revoke->add_option_group("whose", "at least one of these");
  auto* user = who->add_option("--user", o.user, "All valid certificates of this user or node, NAME[@DOMAIN]");
  who->add_option("--node-id", o.node_ids, "This Node-ID; repeatable")->allow_extra_args(false);
  who->add_option("--file", o.file, "Those of the certificates in this file");
  who->require_option(1, 3);
  revoke->add_option("--device", o.devices, "Of --user, only this device that it has enrolled; repeatable")
      ->allow_extra_args(false)
      ->needs(user);
  add_push(*revoke, o.push);
  revoke->callback([&o, &chosen, now] {
    chosen = [&o, now](const Streams& streams) { return run_revoke(o, now, push_document, streams); };
  });
}

CLI::App* add_roll(CLI::App& app, const char* name, const char* help, RollOptions& o) {
  CLI::App* roll = app.add_subcommand(name, help);
  add_dir(*roll, o.dir);
  roll->add_option("--key", o.key_type, "Kind of key: ecdsa (P-256) or rsa (2048 bits)")
      ->transform(CLI::CheckedTransformer(kKeyTypes))
      ->option_text("TEXT:{ecdsa,rsa}=ecdsa");
  add_push(*roll, o.push);
  return roll;
}

}  // namespace

void add_changes(CLI::App& app, ChangeOptions& options, Wall now, Chosen& chosen) {
  add_config(app, options, now, chosen);
  add_revoke(app, options.revoke, now, chosen);
  CLI::App* signer =
      add_roll(app, "roll-signer", "Another key signs documents and Kinds from now on", options.roll_signer);
  signer->callback([&o = options.roll_signer, &chosen, now] {
    chosen = [&o, now](const Streams& streams) { return run_roll_signer(o, now, push_document, streams); };
  });
  CLI::App* authority =
      add_roll(app, "roll-ca", "Another authority: with both while the members renew, then --finish", options.roll_ca);
  authority->add_flag(
      "--finish", options.roll_ca.finish,
      "The old authority's certificates count no more; 30 seconds after the last member renewed its own");
  authority->add_flag("--force", options.roll_ca.force,
                      "With --finish: although members have not renewed theirs, or have only now");
  authority->add_option("--days", options.roll_ca.days, "How long the new authority is valid, in days")
      ->check(CLI::Range(1u, 36500u))
      ->capture_default_str();
  authority->callback([&o = options.roll_ca, &chosen, now] {
    chosen = [&o, now](const Streams& streams) { return run_roll_ca(o, now, push_document, streams); };
  });
}

}  // namespace reload::certs
