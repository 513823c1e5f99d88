#include "reload/io/credential_source.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "reload/base/limits.hpp"
#include "reload/config/user_name.hpp"
#include "reload/config/xml_values.hpp"
#include "reload/io/credential_files.hpp"
#include "reload/io/overlay_files.hpp"
#include "reload/io/system_clock.hpp"
#include "reload/io/uv_tcp.hpp"
#include "reload/security/trust.hpp"

namespace reload::io {

namespace {

const std::string kIssueNode = "; issue one for this overlay with reload-certs issue --node";

std::string machine_name() {
  char name[256] = "";
  if (::gethostname(name, sizeof name - 1) != 0) return {};
  return std::string(name).substr(0, limits::kMaxDeviceBytes);
}

std::optional<Wall> changed_at(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return from_unix_seconds(status.st_mtim.tv_sec);
}

Result<std::string> read_password(const std::string& path) {
  const auto bytes = read_file(path, limits::kMaxPasswordFileBytes);
  if (!bytes) return failure("--enroll-password-file: " + bytes.error().text);
  std::string password(as_text(*bytes));
  if (password.ends_with('\n')) password.pop_back();
  if (password.ends_with('\r')) password.pop_back();
  if (password.empty())
    return failure("--enroll-password-file: " + path + " is empty: write the account's password into its first line");
  if (password.find('\n') != std::string::npos)
    return failure("--enroll-password-file: " + path + " has more than one line: it is to hold the password alone");
  return password;
}

// What fits into an rfc822Name.
bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= limits::kMaxDomainName &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

}  // namespace

security::CredentialLife life_of(const security::Credential& credential, Wall came) {
  const security::Certificate& certificate = *credential.certificate;
  return {std::clamp(came, certificate.not_before, std::max(certificate.not_before, certificate.not_after)),
          certificate.not_after};
}

Result<CredentialSource> CredentialSource::make(CredentialOptions options) {
  const bool enrolls = !options.enroll_user.empty();
  if (!options.file.empty() && enrolls)
    return failure("--credential and --enroll-user are two places for the same credential: leave one out");
  if (!enrolls && (!options.password_file.empty() || !options.device.empty()))
    return failure("--enroll-user is missing: --enroll-password-file and --enroll-device belong to it");
  if (options.file.empty() && !enrolls)
    return failure(
        "--credential is missing, and --enroll-user too: name the file that reload-certs issue --node has made, or the "
        "account with which to get one from the overlay's enrollment server");
  if (enrolls) {
    if (!is_name(options.enroll_user))
      return failure("--enroll-user '" + options.enroll_user +
                     "': write NAME or NAME@DOMAIN, in ASCII, without spaces");
    if (options.password_file.empty())
      return failure("--enroll-password-file is missing: name a file with the password of " + options.enroll_user);
    if (const auto password = read_password(options.password_file); !password) return tl::unexpected(password.error());
    if (options.device.empty()) options.device = machine_name();
    if (options.device.size() > limits::kMaxDeviceBytes)
      return failure("--enroll-device has more than " + std::to_string(limits::kMaxDeviceBytes) + " bytes");
  }
  CredentialSource source;
  source.options_ = std::move(options);
  return source;
}

std::string CredentialSource::in_words() const {
  return enrolls() ? "--enroll-user " + options_.enroll_user : "--credential " + options_.file;
}

std::string CredentialSource::path() const {
  if (!enrolls()) return options_.file;
  return options_.data.empty() ? std::string() : options_.data + "/credential.pem";
}

Result<EnrollmentOrder> CredentialSource::order(const std::string& overlay) const {
  auto password = read_password(options_.password_file);
  if (!password) return tl::unexpected(password.error());
  EnrollmentOrder order;
  auto account = config::canonical_user_name(options_.enroll_user, overlay);
  if (!account) return failure("--enroll-user: " + account.error().text);
  order.account = std::move(*account);
  order.user_name = order.account;
  order.password = std::move(*password);
  order.device = options_.device;
  order.ca_file = options_.ca_file;
  if (!options_.dns_server.empty()) {
    const auto server = parse_address(options_.dns_server, 53);
    if (!server) return failure("--dns-server: " + server.error().text);
    order.dns_server = *server;
  }
  return order;
}

Result<security::CredentialPtr> CredentialSource::read(const config::ConfigPtr& config, const security::Crypto& crypto,
                                                       Wall now) const {
  const auto own = load_credentials(path(), crypto, config->node_id_length);
  if (!own) return tl::unexpected(own.error());
  if (own->size() != 1)
    return failure(path() + " holds " + std::to_string(own->size()) +
                   " credentials, a node has exactly one: "
                   "those of users are for --users of reload-peer and --user-credential of reload-client");
  const auto trust = security::Trust::make(config, crypto);
  if (!trust) return tl::unexpected(trust.error());
  const security::Credential& credential = *own->front();
  if (auto good = (*trust)->check(*credential.certificate, credential.intermediates, now, crypto); !good)
    return failure(path() + ": " + good.error().text);
  return own->front();
}

Result<CredentialSource::Loaded> CredentialSource::kept(const config::ConfigPtr& config, const security::Crypto& crypto,
                                                        Wall now) const {
  const auto credential = read(config, crypto, now);
  if (!credential) return tl::unexpected(credential.error());
  const auto wanted = order(config->instance_name);
  if (wanted && (*credential)->certificate->user_name != wanted->user_name)
    return failure(path() + " is of " + (*credential)->certificate->user_name + ", not of " + wanted->user_name);
  return Loaded{*credential, life_of(**credential, changed_at(path()).value_or(now)), {}};
}

Result<CredentialSource::Loaded> CredentialSource::load(const config::ConfigPtr& config, const security::Crypto& crypto,
                                                        Wall now, const Progress& progress) const {
  const std::string file = path();
  const bool exists = !file.empty() && ::access(file.c_str(), F_OK) == 0;
  if (!enrolls()) {
    const auto credential = read(config, crypto, now);
    if (!credential) return failure("--credential: " + credential.error().text + kIssueNode);
    return Loaded{*credential, life_of(**credential, now), exposure_warning(file).value_or("")};
  }
  Loaded loaded;
  if (exists) {
    auto found = kept(config, crypto, now);
    if (found) return found;
    loaded.warning = "the credential kept is not used: " + found.error().text;
  }
  const std::atomic<bool> cancelled = false;
  auto enrolled = renew(nullptr, config, cancelled, progress);
  if (!enrolled)
    return failure(in_words() + ": " + enrolled.error().text +
                   (loaded.warning.empty() ? "" : "; and " + loaded.warning));
  loaded.credential = std::move(*enrolled);
  loaded.life = life_of(*loaded.credential, now);
  return loaded;
}

Enrolled CredentialSource::renew(const security::CredentialPtr& old, const config::ConfigPtr& config,
                                 const std::atomic<bool>& cancelled, const Progress& progress) const {
  const auto fail = [](EnrollmentFault fault, std::string text) {
    return tl::unexpected(EnrollmentFailure{fault, std::move(text), std::nullopt});
  };
  auto wanted = order(config->instance_name);
  if (!wanted) return fail(EnrollmentFault::authentication, wanted.error().text);
  if (old != nullptr) {
    wanted->node_ids = old->certificate->node_ids.size();
    wanted->key_type =
        old->certificate->key_algorithm == wire::SignatureAlgorithm::rsa ? KeyType::rsa_2048 : KeyType::ecdsa_p256;
  }
  auto enrolled = enroll(*wanted, config, cancelled, progress);
  if (!enrolled) return enrolled;
  if (old != nullptr) {
    // Another Node-ID would be another node: its links, its place in the ring and its values are the old one's.
    if (!(*enrolled)->certificate->holds(old->node_id))
      return fail(EnrollmentFault::certificate,
                  "the enrollment server gave another Node-ID than " + old->node_id.hex() +
                      ": was its directory made anew? Start this node again to take the new one");
    auto same = std::make_shared<security::Credential>(**enrolled);
    same->node_id = old->node_id;
    enrolled = std::move(same);
  }
  if (path().empty()) return enrolled;
  const auto text = credential_text(**enrolled);
  if (!text) return fail(EnrollmentFault::certificate, text.error().text);
  if (const auto written = write_file(path(), as_bytes(*text), 0600); !written)
    return fail(EnrollmentFault::certificate, "--data: the new credential can't be kept: " + written.error().text);
  return enrolled;
}

}  // namespace reload::io
