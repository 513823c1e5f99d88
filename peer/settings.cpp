#include "peer/settings.hpp"

#include <cstdio>
#include <filesystem>

#include "peer/json_config.hpp"
#include "reload/io/uv_tcp.hpp"

namespace reload::peer {

namespace {

constexpr const char* kFooter =
    "Every option can stand in the file of --config, a JSON object, under its name without the dashes:\n"
    "  { \"overlay-config\": \"overlay.xml\", \"credential\": \"peer0.pem\", \"data\": \"/var/lib/reload\",\n"
    "    \"listen\": \"192.0.2.1:6084\", \"sip-listen\": [\"192.0.2.1:5060\"], \"users\": \"users.pem\",\n"
    "    \"passwords\": \"users.passwd\" }\n"
    "An option on the command line wins over the file. Credentials and the overlay's configuration document are\n"
    "made by reload-certs. SIGTERM and SIGINT make the peer leave the overlay in good order; SIGKILL does no harm.";

void add_config_source(CLI::App& app, io::ConfigSourceOptions& source) {
  app.add_option("--overlay-config", source.file, "The overlay's configuration document (reload-certs init)")
      ->option_text("FILE");
  app.add_option(
         "--overlay", source.overlay,
         "The overlay's name. Without --overlay-config its document is fetched from the server that DNS names:\n"
         "SRV _reload-config._tcp.NAME, then https://NAME/.well-known/reload-config")
      ->option_text("NAME");
  app.add_option("--config-url", source.url,
                 "With --overlay: fetch the document from here and don't ask DNS for a server")
      ->option_text("https://...");
  app.add_option(
         "--tls-ca", source.ca_file,
         "Authorities that the certificates of configuration and enrollment server may come from, instead of this\n"
         "machine's (PEM)")
      ->option_text("FILE");
  app.add_option("--dns-server", source.dns_server, "Ask this DNS server instead of this machine's")
      ->option_text("ADDRESS[:PORT]");
}

// CLI11's own texts do not say that an option came from the file.
std::string explain(const CLI::ParseError& error, const CLI::App& app) {
  const auto files = app.get_option("--config")->results();
  if (files.empty()) return error.what();
  const std::string file = "--config " + files.front() + ": ";
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ConfigError)) {
    std::string key = error.what();
    key.erase(0, key.rfind(' ') + 1);
    return file + "there is no option \"" + key + "\"";
  }
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::FileError)) {
    std::error_code unused;
    return file + (std::filesystem::is_regular_file(files.front(), unused) ? error.what() : "there is no such file");
  }
  return std::string(error.what()) + " (options come from the command line and from " + files.front() + ")";
}

}  // namespace

CommandLine parse_command_line(int argc, char** argv) {
  CommandLine line;
  Settings& s = line.settings;
  CLI::App app("reload-peer: a peer of a RELOAD overlay (RFC 6940) that is SIP registrar and proxy (RFC 7904)");
  app.footer(kFooter);
  app.set_version_flag("--version", RELOAD_VERSION);
  app.set_config("--config", "", "Read options from a JSON file");
  app.config_formatter(std::make_shared<JsonConfig>());
  app.allow_config_extras(CLI::config_extras_mode::error);

  add_config_source(app, s.config_source);
  app.add_option("--config-poll", s.config_poll,
                 "Ask the configuration server for a newer document at least so often, in seconds; 0: only before the\n"
                 "document expires. A file of --overlay-config is watched all the time")
      ->check(CLI::Range(0, 86400))
      ->capture_default_str();
  app.add_option("--credential", s.credential, "This node's key and certificate (reload-certs issue --node)")
      ->option_text("FILE");
  app.add_option(
         "--self-signed", s.self_signed,
         "Of an overlay whose members make their own certificates: the name of this one, NAME[@DOMAIN]. Its key "
         "and\ncertificate are made at the first start and kept in --credential, by default credential.pem in "
         "--data")
      ->option_text("NAME");
  app.add_option(
         "--enroll-user", s.enroll_user,
         "Instead of --credential: the account with which to get one from the overlay's enrollment server. It is\n"
         "kept in --data and renewed in time")
      ->option_text("NAME[@DOMAIN]");
  app.add_option("--enroll-password-file", s.enroll_password_file, "Its password, alone in a file")
      ->option_text("FILE");
  app.add_option("--enroll-device", s.enroll_device,
                 "Tells the machines of one account apart, each of which has a Node-ID of its own; default: this\n"
                 "machine's name")
      ->option_text("TEXT");
  app.add_option("--data", s.data, "Directory for stored values, made when missing")->option_text("DIR");
  app.add_option("--durability", s.durability,
                 "process: an acknowledged value survives the death of this process, and through its two replicas\n"
                 "that of the machine; disk: each commit waits for the disk")
      ->check(CLI::IsMember({"process", "disk"}))
      ->capture_default_str();
  app.add_option("--data-limit-mib", s.data_limit_mib, "The most the stored values may take on disk")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--listen", s.listen, "Where to accept overlay links")
      ->option_text("ADDRESS:PORT")
      ->capture_default_str();
  app.add_option(
         "--advertise", s.advertise,
         "The address others reach this peer at, when it is not that of --listen; where that is every address:\n"
         "by default the one that faces the bootstrap nodes")
      ->option_text("ADDRESS:PORT");
  app.add_option("--bootstrap", s.bootstrap, "Join through these peers instead of the document's bootstrap nodes")
      ->option_text("ADDRESS:PORT ...");
  app.add_flag("--first-peer", s.first_peer,
               "Begin the overlay if no bootstrap node answers. For one peer of an overlay only");
  app.add_option("--crypto-threads", s.crypto_threads,
                 "Threads for signatures; 0 makes and checks them on the loop's own thread")
      ->check(CLI::Range(0, 64))
      ->capture_default_str();
  app.add_option("--key-log", s.key_log, "Append TLS secrets to FILE, to decrypt captures. For debugging only")
      ->option_text("FILE");

  app.add_option("--sip-listen", s.sip_listen, "Where phones register and call, UDP and TCP; none: no SIP service")
      ->option_text("ADDRESS:PORT ...");
  app.add_option("--users", s.users, "Credentials of the users this peer hosts (reload-certs issue --users)")
      ->option_text("FILE");
  app.add_option(
         "--host-users", s.host_users,
         "Users, one NAME[@DOMAIN] a line, whose credentials this peer gets with the account of --enroll-user,\n"
         "which must be allowed to (reload-certs user add --host). Kept encrypted in --data, renewed in time")
      ->option_text("FILE");
  app.add_flag("--host-on-register", s.host_on_register,
               "The same for each user of --passwords who registers and has no credential here yet; the phone is told\n"
               "to come again some seconds later");
  app.add_option("--host-key", s.host_key,
                 "The key that these credentials are encrypted with, 32 bytes, made when missing; default: beside the\n"
                 "directory of --data, under its name with .key")
      ->option_text("FILE");
  app.add_option("--passwords", s.passwords, "Digest records of these users (reload-certs issue --passwords)")
      ->option_text("FILE");
  app.add_option("--sip-digest", s.sip_digest,
                 "What phones may prove a password with, the best first. Not all phones stand another offer than MD5\n"
                 "alone")
      ->check(CLI::IsMember({"md5", "sha256"}))
      ->option_text("md5|sha256 ...")
      ->capture_default_str();
  app.add_option("--sip-min-expires", s.sip_min_expires, "Shortest registration in seconds")->capture_default_str();
  app.add_option("--sip-default-expires", s.sip_default_expires, "Registration when the phone asks for none")
      ->capture_default_str();
  app.add_option("--sip-max-expires", s.sip_max_expires, "Longest registration")->capture_default_str();
  app.add_flag("--no-anonymous-calls", s.no_anonymous_calls, "Refuse calls from those who are not the overlay's users");
  app.add_option("--stranger-rate", s.stranger_rate, "Requests a second from one address without a password")
      ->capture_default_str();
  app.add_option("--register-rate", s.register_rate, "REGISTERs a second from one address without a password")
      ->capture_default_str();

  app.add_option("--admin", s.admin, "Where /healthz, /readyz, /status and /metrics are; empty: nowhere")
      ->option_text("ADDRESS:PORT")
      ->capture_default_str();
  app.add_option("--log-level", s.log_level, "How much to log")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
      ->capture_default_str();
  app.add_option("--log-file", s.log_file, "Log to FILE instead of standard error")->option_text("FILE");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      line.exit_code = app.exit(error);
    } else {
      std::fprintf(stderr, "reload-peer: %s\nreload-peer --help tells all options\n", explain(error, app).c_str());
      line.exit_code = 2;
    }
  }
  return line;
}

namespace {

Result<void> need(const std::string& value, const char* option, const char* cure) {
  if (value.empty()) return failure(std::string(option) + " is missing: " + cure);
  return {};
}

Result<void> check_address(const std::string& value, const char* option, std::uint16_t default_port) {
  if (auto address = io::parse_address(value, default_port); !address)
    return failure(std::string(option) + ": " + address.error().text);
  return {};
}

}  // namespace

Result<void> check(const Settings& s) {
  if (auto source = io::ConfigSource::make(s.config_source); !source) return tl::unexpected(source.error());
  if (!s.self_signed.empty() && !s.enroll_user.empty())
    return failure("--self-signed and --enroll-user are two ways to one credential: leave one out");
  if (s.self_signed.empty() || !s.credential.empty())
    if (auto source = io::CredentialSource::make(credential_options(s)); !source) return tl::unexpected(source.error());
  for (const auto& result :
       {need(s.data, "--data", "name a directory for stored values"), check_address(s.listen, "--listen", 6084)})
    if (!result) return result;
  if (!s.advertise.empty())
    if (auto result = check_address(s.advertise, "--advertise", 6084); !result) return result;
  for (const auto& address : s.bootstrap)
    if (auto result = check_address(address, "--bootstrap", 6084); !result) return result;
  if (!s.admin.empty())
    if (auto result = check_address(s.admin, "--admin", 8080); !result) return result;
  if (!s.sip_listen.empty()) {
    if (auto result = need(s.passwords, "--passwords", "with --sip-listen, phones need passwords"); !result)
      return result;
    if (!enrolls_users(s))
      if (auto result = need(s.users, "--users", "with --sip-listen, users need credentials; or --host-users"); !result)
        return result;
    if (auto options = sip_options(s); !options) return tl::unexpected(options.error());
  }
  if (enrolls_users(s) || !s.host_key.empty()) {
    if (auto result = need(s.enroll_user, "--enroll-user", "users are enrolled with this peer's own account"); !result)
      return result;
    if (s.sip_listen.empty())
      return failure(
          "--sip-listen is missing: --host-users, --host-on-register and --host-key are for who hosts phones");
  }
  if (s.sip_min_expires > s.sip_default_expires || s.sip_default_expires > s.sip_max_expires)
    return failure("--sip-min-expires, --sip-default-expires and --sip-max-expires must not get smaller in this order");
  return {};
}

io::CredentialOptions credential_options(const Settings& s) {
  return {s.credential, s.enroll_user,           s.enroll_password_file,    s.enroll_device,
          s.data,       s.config_source.ca_file, s.config_source.dns_server};
}

Result<sip::SipOptions> sip_options(const Settings& s) {
  sip::SipOptions options;
  for (const auto& text : s.sip_listen) {
    const auto address = io::parse_address(text, 5060);
    if (!address) return failure("--sip-listen: " + address.error().text);
    std::string host = io::to_text(*address);
    host.resize(host.rfind(':'));
    if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
    options.listen.push_back({host, address->port});
  }
  options.passwords_file = s.passwords;
  options.digest.clear();
  for (const auto& name : s.sip_digest)
    options.digest.push_back(name == "sha256" ? sip::DigestAlgorithm::sha256 : sip::DigestAlgorithm::md5);
  options.min_expires = s.sip_min_expires;
  options.default_expires = s.sip_default_expires;
  options.max_expires = s.sip_max_expires;
  options.anonymous_calls = !s.no_anonymous_calls;
  options.stranger_rate = {s.stranger_rate, s.stranger_rate * 2};
  options.register_rate = {s.register_rate, s.register_rate * 4};
  return options;
}

}  // namespace reload::peer
