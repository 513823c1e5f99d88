// reload-certs init: everything is made in memory first; then the files are written, the document last.
#include <iostream>

#include "certs/commands.hpp"
#include "certs/overlay_dir.hpp"
#include "certs/user_list.hpp"
#include "reload/config/overlay_xml.hpp"
#include "reload/io/credential_files.hpp"
#include "reload/security/config_signature.hpp"

namespace reload::certs {
namespace {

struct NewOverlay {
  SecretText ca_key;
  std::string ca_certificate;
  SecretText signer;  // its credential file
  std::string record;
  std::string document;
};

Result<NewOverlay> make_overlay(const InitOptions& options, Wall now) {
  const auto name = canonical_domain(options.settings.overlay);
  if (!name) return failure("--overlay: " + name.error().text);
  const io::OpensslCrypto crypto;
  const Validity validity = validity_for(now, options.days);
  const config::OverlayConfig defaults;
  const auto authority = Authority::create(*name, defaults.node_id_length, options.key_type, validity);
  if (!authority) return tl::unexpected(authority.error());
  Request request;
  request.user_name = "config-signer@" + *name;
  request.key_type = options.key_type;
  request.validity = validity;  // as long as the authority: the document is to be valid all the time
  const auto signer = authority->issue(request);
  if (!signer) return tl::unexpected(signer.error());
  SecretText entry = signer->entry();
  const auto credentials = io::parse_credentials(entry.view(), crypto, defaults.node_id_length);
  if (!credentials) return tl::unexpected(credentials.error());

  const auto config = build_config(options.settings, authority->der(), signer->identity.node_ids.front());
  if (!config) return tl::unexpected(config.error());
  const security::Credential& signing = *credentials->front();
  auto document = security::sign_config(config::write_config(*config), *name, signing, signing, crypto);
  if (!document) return tl::unexpected(document.error());
  auto key = authority->key();
  if (!key) return tl::unexpected(key.error());
  return NewOverlay{std::move(*key), authority->certificate(), std::move(entry), signer->record(),
                    std::move(*document)};
}

}  // namespace

Result<void> run_init(const InitOptions& options, Wall now, const Streams& streams) {
  const OverlayDir dir{options.dir};
  for (const Path& path : {dir.ca_key(), dir.ca_certificate(), dir.signer(), dir.document(), dir.records()}) {
    if (!file_exists(path)) continue;
    return failure(path.string() + " exists already and is not overwritten: an overlay's keys cannot be made again. " +
                   "Choose another --dir, or move the old files away first");
  }
  const auto overlay = make_overlay(options, now);
  if (!overlay) return tl::unexpected(overlay.error());
  if (auto made = dir.make(); !made) return made;
  struct File {
    Path path;
    mode_t mode;
    std::string_view text;
  };
  const std::vector<File> files{{dir.ca_key(), kPrivateMode, overlay->ca_key.view()},
                                {dir.ca_certificate(), kPublicMode, overlay->ca_certificate},
                                {dir.signer(), kPrivateMode, overlay->signer.view()},
                                {dir.records(), kPrivateMode, overlay->record},
                                {dir.document(), kPublicMode, overlay->document}};
  for (std::size_t i = 0; i < files.size(); ++i) {
    const auto written = write_file(files[i].path, files[i].mode, Existing::refuse, files[i].text);
    if (written) continue;
    for (std::size_t j = 0; j < i; ++j) {
      std::error_code ignored;  // what cannot be removed is refused, by name, at the next try
      std::filesystem::remove(files[j].path, ignored);
    }
    return written;
  }
  streams.out << "made overlay " << options.settings.overlay << " in " << options.dir.string() << ":\n"
              << "  " << dir.document().string() << "  configuration document, for every peer\n"
              << "  " << dir.ca_certificate().string() << "  certificate of the authority\n"
              << "  " << dir.ca_key().string() << "  its key: keep it secret, and a backup of it\n"
              << "  " << dir.signer().string() << "  credential that signs the document: keep it secret\n";
  streams.out.flush();
  return {};
}

}  // namespace reload::certs
