#include "certs/publish.hpp"

#include <algorithm>
#include <cstdio>
#include <iostream>

#include "reload/io/credential_files.hpp"
#include "reload/security/config_signature.hpp"

namespace reload::certs {
namespace {

// What a ConfigUpdate adds to the document: header, signer's certificate, signature, with room.
constexpr std::size_t kUpdateOverhead = 2048;

std::string history_name(std::uint16_t sequence) {
  char name[16];
  std::snprintf(name, sizeof name, "%05u.xml", static_cast<unsigned>(sequence));
  return name;
}

// 6940 6.3.2.1: the distance back in the round of sequences.
unsigned age(std::uint16_t of, std::uint16_t now) { return (now + 65535u - of) % 65535u; }

void drop_oldest(const Path& history, std::uint16_t sequence) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(history, error)) {
    unsigned found = 0;
    if (std::sscanf(entry.path().filename().c_str(), "%5u.xml", &found) != 1 || found > 65534u) continue;
    if (age(static_cast<std::uint16_t>(found), sequence) <= kMaxHistory) continue;
    std::error_code ignored;  // tried again with the next document
    std::filesystem::remove(entry.path(), ignored);
  }
}

Result<void> keep_in_history(const OverlayDir& dir, const config::OverlayConfig& before) {
  std::error_code error;
  std::filesystem::create_directories(dir.history(), error);
  if (error) return failure("cannot make the directory " + dir.history().string() + ": " + error.message());
  if (auto kept = write_file(dir.history() / history_name(before.sequence), document_mode(before), Existing::replace,
                             as_text(before.document));
      !kept)
    return kept;
  drop_oldest(dir.history(), before.sequence);
  return {};
}

}  // namespace

Result<Signers> load_signers(const OverlayDir& dir, const config::OverlayConfig& config, Wall now,
                             const Streams& streams) {
  const io::OpensslCrypto crypto;
  auto current = io::load_credentials(dir.signer().string(), crypto, config.node_id_length);
  if (!current) return failure(current.error().text + " (the credential that signs the overlay's documents)");
  if (auto warning = io::exposure_warning(dir.signer().string()))
    streams.log << "reload-certs: warning: " << *warning << std::endl;
  Signers signers{current->front(), {}};
  if (!signers.current->certificate->valid_at(now))
    return failure(dir.signer().string() + ": its certificate has expired; renew it with reload-certs issue --dir " +
                   dir.root.string() + " --renew " + dir.signer().string() + " --out FILE, and put FILE in its place");
  if (!file_exists(dir.former_signers())) return signers;
  auto former = io::load_credentials(dir.former_signers().string(), crypto, config.node_id_length);
  if (!former) return tl::unexpected(former.error());
  for (auto& credential : *former)
    if (credential->certificate->valid_at(now)) signers.former.push_back(std::move(credential));
  if (signers.former.size() > kMaxFormerSigners)
    signers.former.erase(signers.former.begin(), signers.former.end() - kMaxFormerSigners);
  return signers;
}

Result<void> check_signer(const config::OverlayConfig& config, const security::Credential& signer) {
  const std::string id = signer.node_id.hex();
  const auto add = [&](const std::string& element) {
    return failure("does not list the signer " + id + ": add <" + element + ">" + id + "</" + element + ">");
  };
  if (!config.is_configuration_signer(signer.node_id)) return add("configuration-signer");
  const bool has_kinds =
      std::ranges::any_of(config.kinds, [](const auto& kind) { return !kind.second.element.bytes.empty(); });
  if (has_kinds && !config.is_kind_signer(signer.node_id)) return add("kind-signer");
  if (security::is_banned(*signer.certificate, config)) return failure("lists the signer " + id + " as bad-node");
  if (signer.certificate->overlay != config.instance_name) {
    return failure("has the instance-name " + config.instance_name + ", but the signer belongs to " +
                   signer.certificate->overlay);
  }
  return {};
}

Result<config::ConfigPtr> sign_next(const std::string& text, const config::ConfigPtr& before, const Signers& signers,
                                    Wall now) {
  const io::OpensslCrypto crypto;
  const auto next = parse_document(text);
  if (!next) return next;
  if (const auto good = check_signer(**next, *signers.current); !good)
    return failure("the document " + good.error().text);
  std::vector<security::CredentialPtr> former;
  for (const auto& credential : signers.former)
    if (!security::is_banned(*credential->certificate, **next)) former.push_back(credential);
  const auto document =
      security::sign_config(text, (*next)->instance_name, *signers.current, *signers.current, crypto, former);
  if (!document) return tl::unexpected(document.error());
  auto made = parse_document(*document);
  if (!made) return made;
  const auto current = security::Trust::make(before, crypto);
  if (!current) return failure("the document in force: " + current.error().text);
  if (const auto taken = security::accept_update(as_bytes(*document), **current, now, crypto); !taken)
    return failure("members would refuse the new document: " + taken.error().text);
  if (const auto first = security::verify_first(*made, now, crypto); !first)
    return failure("who joins with the new document would refuse it: " + first.error().text);
  return made;
}

Result<void> replace_document(const OverlayDir& dir, const config::OverlayConfig& before,
                              const config::OverlayConfig& next, const Streams& streams) {
  if (auto kept = keep_in_history(dir, before); !kept) return kept;
  if (auto written = write_file(dir.document(), document_mode(next), Existing::replace, as_text(next.document));
      !written)
    return written;
  streams.out << "document " << next.sequence << " of " << next.instance_name << ": " << dir.document().string()
              << std::endl;
  if (next.document.size() + kUpdateOverhead > before.max_message_size)
    streams.log << "reload-certs: warning: the document has " << next.document.size()
                << " bytes, too many for a ConfigUpdate where max-message-size is " << before.max_message_size
                << ": members get it by file or HTTPS only. Raise max-message-size first, in a document of its own"
                << std::endl;
  return {};
}

}  // namespace reload::certs
