// reload-certs roll-signer and roll-ca: keys at the top of an overlay replaced while it runs. Each step leaves a
// directory with which the overlay goes on; a run that was interrupted is started again.
#include <algorithm>
#include <iostream>

#include "certs/change_commands.hpp"
#include "certs/issued_records.hpp"
#include "certs/next_document.hpp"
#include "reload/config/xml_values.hpp"
#include "reload/io/credential_files.hpp"

namespace reload::certs {
namespace {

const std::string kSignerName = "config-signer@";
// What a member has stored is signed by its old certificate until it has stored it again by the new one. It begins that
// at once, hosts of many users take some seconds, and a certificate in a file is seen within
// limits::kFileCheckInterval.
constexpr Duration kStoredAgain = 30s;

Result<void> move_file(const Path& from, const Path& to) {
  std::error_code error;
  std::filesystem::rename(from, to, error);
  if (error) return failure("cannot rename " + from.string() + " to " + to.string() + ": " + error.message());
  return {};
}

// The current signer's credential goes behind the former ones, of which the last few are kept.
Result<void> keep_former(const OverlayDir& dir) {
  constexpr std::string_view kKey = "-----BEGIN PRIVATE KEY-----";
  auto current = read_file(dir.signer());
  if (!current) return tl::unexpected(current.error());
  std::string text;
  if (file_exists(dir.former_signers())) {
    auto former = read_file(dir.former_signers());
    if (!former) return tl::unexpected(former.error());
    text = std::move(*former);
  }
  text += *current;
  std::size_t from = text.size();
  for (std::size_t kept = 0; kept < kMaxFormerSigners && from != 0 && from != std::string::npos; ++kept) {
    const std::size_t found = text.rfind(kKey, from - 1);
    if (found == std::string::npos) break;
    from = found;
  }
  const SecretText secret(text.substr(from == text.size() ? 0 : from));
  return write_file(dir.former_signers(), kPrivateMode, Existing::replace, secret.view());
}

Result<Authority> authority_of(const NextDocument& next, const Streams& streams) {
  std::optional<std::string> warning;
  auto authority = next.dir().load_authority(next.before(), warning);
  if (warning) streams.log << "reload-certs: warning: " << *warning << std::endl;
  return authority;
}

// A new credential to sign documents with, in next_signer(). One that is there was made by a run that did not end.
Result<security::CredentialPtr> make_signer(const OverlayDir& dir, const Authority& authority, const Request& request,
                                            std::size_t node_id_length) {
  const io::OpensslCrypto crypto;
  if (!file_exists(dir.next_signer())) {
    const auto issued = authority.issue(request);
    if (!issued) return tl::unexpected(issued.error());
    if (auto kept = append_lines(dir.records(), kPrivateMode, issued->record()); !kept)
      return tl::unexpected(kept.error());
    const SecretText entry = issued->entry();
    if (auto written = write_file(dir.next_signer(), kPrivateMode, Existing::refuse, entry.view()); !written)
      return tl::unexpected(written.error());
  }
  const auto credentials = io::load_credentials(dir.next_signer().string(), crypto, node_id_length);
  if (!credentials) return tl::unexpected(credentials.error());
  return credentials->front();
}

Request signer_request(const Authority& authority, const RollOptions& options, Wall now) {
  Request request;
  request.user_name = kSignerName + authority.overlay();
  request.key_type = options.key_type;
  request.validity = {now - kBackdating, authority.until()};
  return request;
}

Signers after(const Signers& signers, security::CredentialPtr current) {
  Signers next{std::move(current), signers.former};
  next.former.push_back(signers.current);
  if (next.former.size() > kMaxFormerSigners) next.former.erase(next.former.begin());
  return next;
}

// Why the old authority is still needed; empty: it is not.
Result<std::string> still_needed(const OverlayDir& dir, const config::OverlayConfig& config, const Authority& authority,
                                 Wall now) {
  const auto all = IssuedRecords::read(dir);
  if (!all) return tl::unexpected(all.error());
  const auto by_new = IssuedRecords::read(dir, authority.id());
  if (!by_new) return tl::unexpected(by_new.error());
  std::size_t count = 0;
  std::string names;
  Wall last_renewal{};
  for (const auto& [id, user] : all->living(now)) {
    // Former signers are no members; the present one has its certificate already.
    if (config.is_bad_node(id) || user == kSignerName + config.instance_name) continue;
    if (const auto renewed = by_new->first_issued(id)) {
      if (all->first_issued(id) < *renewed) last_renewal = std::max(last_renewal, *renewed);
      continue;
    }
    if (++count <= 5) names += (names.empty() ? "" : ", ") + user;
  }
  if (count > 0)
    return std::to_string(count) + (count == 1 ? " Node-ID has" : " Node-IDs have") +
           " a certificate of the old authority only: " + names + (count > 5 ? ", ..." : "") +
           ". Have them renewed (reload-certs issue --renew, or the enrolment server), revoke them, or shut them out "
           "with --force";
  if (const Duration left = last_renewal + kStoredAgain - now; left > Duration{})
    return "the last member renewed its certificate only now, and what it has stored counts until the old authority is "
           "gone: wait " +
           std::to_string(std::chrono::ceil<std::chrono::seconds>(std::min(left, kStoredAgain)).count()) +
           " seconds for it to be stored again, or lose it with --force";
  return std::string();
}

// The authority's files: the present one's become the old one's, the next one's the present one's. Goes on where an
// interrupted run stopped; its key moves before its certificate.
Result<void> change_places(const OverlayDir& dir) {
  if (file_exists(dir.next_ca_key())) {
    for (const auto& [from, to] :
         {std::pair{dir.ca_key(), dir.old_ca_key()}, {dir.ca_certificate(), dir.old_ca_certificate()}}) {
      if (file_exists(to)) continue;
      if (auto done = move_file(from, to); !done) return done;
    }
    if (auto done = move_file(dir.next_ca_key(), dir.ca_key()); !done) return done;
  }
  return move_file(dir.next_ca_certificate(), dir.ca_certificate());
}

Result<void> begin_roll_ca(NextDocument& next, const RollOptions& options, Wall now, const Streams& streams) {
  const OverlayDir& dir = next.dir();
  if (file_exists(dir.old_ca_certificate()) && file_exists(dir.next_ca_certificate())) return change_places(dir);
  if (file_exists(dir.old_ca_certificate()))
    return failure(
        "the change of the authority is under way: when the members have renewed their certificates, end it "
        "with reload-certs roll-ca --dir " +
        dir.root.string() + " --finish");
  if (next.before().root_certs.empty())
    return failure("the overlay has no authority: its members sign their certificates themselves");
  const std::string overlay = next.before().instance_name;
  const std::size_t node_id_length = next.before().node_id_length;
  // What an interrupted run has made is used.
  if (!file_exists(dir.next_ca_certificate())) {
    std::error_code ignored;
    std::filesystem::remove(dir.next_ca_key(), ignored);  // of a run that did not get to the certificate
    const auto made = Authority::create(overlay, node_id_length, options.key_type, validity_for(now, options.days));
    if (!made) return tl::unexpected(made.error());
    const auto key = made->key();
    if (!key) return tl::unexpected(key.error());
    if (auto done = write_file(dir.next_ca_key(), kPrivateMode, Existing::refuse, key->view()); !done) return done;
    if (auto done = write_file(dir.next_ca_certificate(), kPublicMode, Existing::refuse, made->certificate()); !done)
      return done;
  }
  const auto key = read_file(dir.next_ca_key());
  const auto certificate = read_file(dir.next_ca_certificate());
  if (!key) return tl::unexpected(key.error());
  if (!certificate) return tl::unexpected(certificate.error());
  const SecretText secret(*key);
  const auto authority = Authority::from_pem(overlay, node_id_length, secret.view(), *certificate);
  if (!authority) return failure(dir.next_ca_certificate().string() + ": " + authority.error().text);

  // First all members learn the new root; nobody has a certificate of it yet.
  const auto& roots = next.before().root_certs;
  if (std::ranges::find(roots, authority->der()) == roots.end()) {
    next.editor().add_element("root-cert", to_base64(authority->der()));
    if (auto done = next.publish(streams); !done) return done;
  }
  // Then the signer gets one, for the same Node-ID. Who missed the new root goes by the former one.
  Request request = signer_request(*authority, options, now);
  request.node_ids = {next.signers().current->node_id};
  const auto signer = make_signer(dir, *authority, request, node_id_length);
  if (!signer) return tl::unexpected(signer.error());
  if (auto done = keep_former(dir); !done) return done;
  if (auto done = move_file(dir.next_signer(), dir.signer()); !done) return done;
  if (auto done = change_places(dir); !done) return done;
  streams.out << "certificates are issued by the new authority from now on, those of both count. When the members have "
                 "renewed theirs: reload-certs roll-ca --dir "
              << dir.root.string() << " --finish" << std::endl;
  return {};
}

Result<void> finish_roll_ca(NextDocument& next, const RollOptions& options, Wall now, const Streams& streams) {
  const OverlayDir& dir = next.dir();
  if (!file_exists(dir.old_ca_certificate()))
    return failure("there is no change of the authority to finish: begin one with reload-certs roll-ca --dir " +
                   dir.root.string());
  if (file_exists(dir.next_ca_certificate()))
    return failure("the change of the authority was interrupted: first go on with reload-certs roll-ca --dir " +
                   dir.root.string());
  const auto authority = authority_of(next, streams);
  if (!authority) return tl::unexpected(authority.error());
  const auto reason = still_needed(dir, next.before(), *authority, now);
  if (!reason) return tl::unexpected(reason.error());
  if (!reason->empty() && !options.force) return failure(*reason);
  if (!reason->empty()) streams.log << "reload-certs: warning: " << *reason << std::endl;
  const auto pem = read_file(dir.old_ca_certificate());
  if (!pem) return tl::unexpected(pem.error());
  const auto old = parse_certificate(*pem);
  if (!old) return failure(dir.old_ca_certificate().string() + " " + old.error().text);
  const Bytes der = certificate_der(**old);
  next.editor().remove_elements("root-cert", [&](const config::XmlElement& element) {
    const auto bytes = config::to_binary("root-cert", element.text);
    return bytes && *bytes == der;
  });
  if (auto done = next.publish(streams); !done) return done;
  const std::string number = std::to_string(next.before().sequence);
  if (auto done = move_file(dir.old_ca_key(), dir.history() / ("ca-" + number + ".key")); !done) return done;
  if (auto done = move_file(dir.old_ca_certificate(), dir.history() / ("ca-" + number + ".pem")); !done) return done;
  streams.out << "certificates of the old authority count no more; its key is in " << dir.history().string()
              << std::endl;
  return {};
}

}  // namespace

Result<void> run_roll_signer(const RollOptions& options, Wall now, const Push& push, const Streams& streams) {
  {
    auto next = NextDocument::begin(options.dir, now, streams);
    if (!next) return tl::unexpected(next.error());
    const OverlayDir dir = next->dir();
    const auto authority = authority_of(*next, streams);
    if (!authority) return tl::unexpected(authority.error());
    const auto signer =
        make_signer(dir, *authority, signer_request(*authority, options, now), next->before().node_id_length);
    if (!signer) return tl::unexpected(signer.error());
    const std::string new_id = (*signer)->node_id.hex();
    // The old one introduces the new one, which then drops it.
    if (!next->before().is_configuration_signer((*signer)->node_id)) {
      next->editor().add_element("configuration-signer", new_id);
      next->editor().add_element("kind-signer", new_id);
      if (auto done = next->publish(streams); !done) return done;
    }
    next->set_signers(after(next->signers(), *signer));
    // The old one, and one that an interrupted run has replaced and not yet dropped.
    const auto is_former = [&](const config::XmlElement& found) {
      return std::ranges::any_of(next->signers().former, [&](const security::CredentialPtr& former) {
        return NodeId::parse_hex(found.text) == former->node_id;
      });
    };
    for (const char* element : {"configuration-signer", "kind-signer"})
      next->editor().remove_elements(element, is_former);
    if (auto done = keep_former(dir); !done) return done;
    if (auto done = move_file(dir.next_signer(), dir.signer()); !done) return done;
    if (auto done = next->publish(streams); !done) return done;
    streams.out << "documents and Kinds are signed by " << new_id << " from now on" << std::endl;
  }
  return options.push.none ? Result<void>() : push(options.dir, options.push.peers, streams);
}

Result<void> run_roll_ca(const RollOptions& options, Wall now, const Push& push, const Streams& streams) {
  {
    auto next = NextDocument::begin(options.dir, now, streams);
    if (!next) return tl::unexpected(next.error());
    auto done =
        options.finish ? finish_roll_ca(*next, options, now, streams) : begin_roll_ca(*next, options, now, streams);
    if (!done) return done;
  }
  return options.push.none ? Result<void>() : push(options.dir, options.push.peers, streams);
}

}  // namespace reload::certs
