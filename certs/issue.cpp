// reload-certs issue: what is asked for becomes a list of requests; the list becomes one file of credentials.
#include <algorithm>
#include <chrono>
#include <functional>
#include <iomanip>
#include <iostream>
#include <map>
#include <set>

#include "certs/commands.hpp"
#include "certs/overlay_dir.hpp"
#include "certs/read_certificates.hpp"
#include "certs/user_list.hpp"
#include "reload/io/openssl_crypto.hpp"
#include "reload/security/access_control.hpp"

namespace reload::certs {
namespace {

using Clock = std::chrono::steady_clock;

using Issuer = std::function<Result<Issued>(const Request&)>;

struct Work {
  std::vector<Request> requests;
  std::vector<UserEntry> users;  // of --users, for their passwords
};

tl::unexpected<Failure> in_file(const Path& path, const Failure& why) {
  return failure(path.string() + ": " + why.text);
}

Result<std::string> admitted_name(const std::string& text, const config::OverlayConfig& config) {
  auto name = canonical_user_name(text, config.instance_name);
  if (!name) return name;
  const std::string domain = name->substr(name->find('@') + 1);
  if (!security::domain_admissible(config, domain)) {
    return failure("the overlay's configuration does not admit users of the domain " + domain + ", as in " + *name +
                   ": see domain-restriction in its document");
  }
  return name;
}

Result<Work> listed_users(const IssueOptions& options, const config::OverlayConfig& config, const Request& model) {
  const auto text = read_file(options.users);
  if (!text) return tl::unexpected(text.error());
  auto users = parse_user_list(*text, config.instance_name);
  if (!users) return in_file(options.users, users.error());
  Work work{{}, std::move(*users)};
  for (const UserEntry& user : work.users) {
    if (auto name = admitted_name(user.name, config); !name) return in_file(options.users, name.error());
    work.requests.push_back(model);
    work.requests.back().user_name = user.name;
  }
  return work;
}

Result<Work> renewals(const IssueOptions& options, const config::OverlayConfig& config, const Authority& authority,
                      const security::Crypto& crypto, const Request& model) {
  const auto certificates = read_certificates(options.renew, config.node_id_length, crypto);
  if (!certificates) return tl::unexpected(certificates.error());
  // While the authority changes, the document has the one before too.
  std::vector<Bytes> ders = config.root_certs;
  ders.push_back(authority.der());
  std::vector<security::CertificatePtr> roots;
  for (const Bytes& der : ders) {
    auto root = crypto.parse_certificate(der, config.node_id_length);
    if (!root) return failure("a root-cert, or ca.pem: " + root.error().text);
    roots.push_back(std::move(*root));
  }
  Work work;
  for (const auto& certificate : *certificates) {
    if (certificate->is_ca) continue;
    const std::string whose = options.renew.string() + ": the certificate of " + certificate->user_name;
    const auto issued_by = [&](const auto& root) { return crypto.is_issued_by(*certificate, *root); };
    if (std::ranges::none_of(roots, issued_by)) return failure(whose + " is not from this authority");
    Request request = model;
    request.user_name = certificate->user_name;
    request.node_ids = certificate->node_ids;
    request.node_id_count = certificate->node_ids.size();
    for (const NodeId& id : request.node_ids) {
      if (config.is_bad_node(id)) return failure(whose + " holds " + id.hex() + ", a bad-node: it is not renewed");
    }
    work.requests.push_back(std::move(request));
  }
  if (work.requests.empty()) return failure(options.renew.string() + " holds no certificate to renew");
  return work;
}

Result<Work> plan(const IssueOptions& options, Wall now, const config::OverlayConfig& config,
                  const std::optional<Authority>& authority, const security::Crypto& crypto) {
  Request model;
  model.key_type = options.key_type;
  model.validity = validity_for(now, options.days);
  model.node_id_count = options.node_ids;
  if (!options.users.empty()) return listed_users(options, config, model);
  if (!options.renew.empty()) return renewals(options, config, *authority, crypto, model);
  if (!options.user.empty()) {
    auto name = admitted_name(options.user, config);
    if (!name) return failure("--user: " + name.error().text);
    model.user_name = std::move(*name);
  }
  return Work{{std::move(model)}, {}};
}

// The file that new entries go to: empty, or with what it held before when it is added to.
Result<NewFile> begin_credentials(const IssueOptions& options, const std::vector<Request>& requests,
                                  std::size_t node_id_length, const security::Crypto& crypto) {
  if (!options.append || !file_exists(options.out)) {
    return NewFile::create(options.out, kPrivateMode, Existing::refuse);
  }
  const auto certificates = read_certificates(options.out, node_id_length, crypto);
  if (!certificates) return tl::unexpected(certificates.error());
  std::set<std::string_view> present;
  for (const auto& certificate : *certificates) present.insert(certificate->user_name);
  for (const Request& request : requests) {
    if (present.contains(request.user_name)) {
      return failure(options.out.string() + " holds a credential of " + request.user_name +
                     " already: leave that user out, or write to another file");
    }
  }
  auto held = read_file(options.out);
  if (!held) return tl::unexpected(held.error());
  const SecretText secret(std::move(*held));
  auto file = NewFile::create(options.out, kPrivateMode, Existing::replace);
  if (!file) return file;
  if (auto written = file->write(secret.view()); !written) return tl::unexpected(written.error());
  return file;
}

Result<NewFile> write_passwords(const IssueOptions& options, const std::vector<UserEntry>& users,
                                const std::string& overlay) {
  std::map<std::string, std::string, std::less<>> records;  // by user name; a new password takes the old one's place
  const bool adds = options.append && file_exists(options.passwords);
  if (adds) {
    const auto held = read_file(options.passwords);
    if (!held) return tl::unexpected(held.error());
    for (std::size_t at = 0; at < held->size();) {
      const std::size_t end = std::min(held->find('\n', at), held->size());
      const std::string line = held->substr(at, end - at);
      if (!line.empty()) records[line.substr(0, line.find(':'))] = line + "\n";
      at = end + 1;
    }
  }
  for (const UserEntry& user : users) {
    auto record = password_record(user, overlay);
    if (!record) return in_file(options.users, record.error());
    records[user.name] = std::move(*record);
  }
  auto file = NewFile::create(options.passwords, kPrivateMode, adds ? Existing::replace : Existing::refuse);
  if (!file) return file;
  for (const auto& [name, record] : records) {
    if (auto written = file->write(record); !written) return tl::unexpected(written.error());
  }
  return file;
}

// Issues all and writes them; returns their records.
Result<std::string> issue_all(const std::vector<Request>& requests, const Issuer& issuer, NewFile& file,
                              const Streams& streams) {
  std::string records;
  auto next_report = Clock::now() + std::chrono::seconds(1);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const auto issued = issuer(requests[i]);
    if (!issued) return tl::unexpected(issued.error());
    if (auto written = file.write(issued->entry().view()); !written) return tl::unexpected(written.error());
    records += issued->record();
    if (Clock::now() < next_report) continue;
    next_report += std::chrono::seconds(1);
    streams.log << "reload-certs: " << i + 1 << " of " << requests.size() << " credentials issued" << std::endl;
  }
  return records;
}

}  // namespace

Result<void> run_issue(const IssueOptions& options, Wall now, const Streams& streams) {
  const auto begun = Clock::now();
  const OverlayDir dir{options.dir};
  const io::OpensslCrypto crypto;
  const auto config = options.document.empty() ? dir.load_config() : read_document(options.document);
  if (!config) return tl::unexpected(config.error());
  std::optional<Authority> authority;
  if (!options.self_signed) {
    std::optional<std::string> warning;
    auto loaded = dir.load_authority(**config, warning);
    if (!loaded) return tl::unexpected(loaded.error());
    if (warning) streams.log << "reload-certs: warning: " << *warning << std::endl;
    authority.emplace(std::move(*loaded));
  }
  const Issuer issuer = [&](const Request& request) {
    return authority ? authority->issue(request) : issue_self_signed(request, **config);
  };

  const auto work = plan(options, now, **config, authority, crypto);
  if (!work) return tl::unexpected(work.error());
  auto credentials = begin_credentials(options, work->requests, (*config)->node_id_length, crypto);
  if (!credentials) return tl::unexpected(credentials.error());
  std::optional<NewFile> passwords;
  if (!options.passwords.empty()) {
    auto file = write_passwords(options, work->users, (*config)->instance_name);
    if (!file) return tl::unexpected(file.error());
    passwords.emplace(std::move(*file));
  }
  const auto records = issue_all(work->requests, issuer, *credentials, streams);
  if (!records) return tl::unexpected(records.error());

  // The records first: a certificate that nobody got is harmless, one that nobody knows of is not. Of self-signed ones
  // nobody keeps records.
  if (authority) {
    if (auto done = append_lines(dir.records(), kPrivateMode, *records); !done) return done;
  }
  if (passwords) {
    if (auto done = passwords->commit(); !done) return done;
  }
  if (auto done = credentials->commit(); !done) return done;
  const std::chrono::duration<double> taken = Clock::now() - begun;
  streams.out << "issued " << work->requests.size() << (work->requests.size() == 1 ? " credential" : " credentials")
              << " in " << std::fixed << std::setprecision(2) << taken.count() << " s: " << options.out.string()
              << std::endl;
  return {};
}

}  // namespace reload::certs
