// reload-certs init: everything is made in memory first; then the files are written, the document last.
#include <algorithm>
#include <iostream>

#include "certs/commands.hpp"
#include "certs/overlay_dir.hpp"
#include "certs/user_list.hpp"
#include "reload/config/overlay_xml.hpp"
#include "reload/io/credential_files.hpp"
#include "reload/io/system_rng.hpp"
#include "reload/security/config_signature.hpp"

namespace reload::certs {
namespace {

// A secret that a person made up can be guessed by who listens to a handshake (6940 13.4); no random one can.
constexpr std::size_t kSecretBytes = 20;
constexpr std::size_t kShortSecret = 20;
constexpr std::size_t kMaxSecret = 256;

Result<std::string> shared_secret(const std::string& given, const Streams& streams) {
  if (given.empty()) {
    io::SystemRng rng;
    Bytes random(kSecretBytes);
    rng.fill(random);
    return to_hex(random);
  }
  const bool plain = std::ranges::all_of(given, [](char c) { return c > 0x20 && c < 0x7f; });
  if (!plain || given.size() > kMaxSecret)
    return failure(
        "--shared-secret: give at most 256 printable ASCII characters without spaces, or none to have one made");
  if (given.size() < kShortSecret)
    streams.log << "reload-certs: warning: a shared secret of " << given.size() << " characters may be guessed by who "
                << "listens to the overlay's links; --shared-secret without a value makes one that cannot" << std::endl;
  return given;
}

struct AuthorityFiles {
  SecretText key;
  std::string certificate;
};

struct NewOverlay {
  std::optional<AuthorityFiles> authority;  // none where members sign their certificates themselves
  Issued signer;
  mode_t document_mode = kPublicMode;
  std::string document;
};

// Who signs the configuration, and the authority that says who that is.
struct Signing {
  std::optional<Authority> authority;
  Issued signer;
};

Result<Signing> make_signer(const InitOptions& options, const config::OverlayConfig& config, const Validity& validity) {
  Request request;
  request.user_name = "config-signer@" + config.instance_name;
  request.key_type = options.key_type;
  request.validity = validity;  // as long as the authority: the document is to be valid all the time
  const auto signing = [](std::optional<Authority> authority, Result<Issued> signer) -> Result<Signing> {
    if (!signer) return tl::unexpected(signer.error());
    return Signing{std::move(authority), std::move(*signer)};
  };
  if (config.self_signed_digest) return signing(std::nullopt, issue_self_signed(request, config));
  auto authority = Authority::create(config.instance_name, config.node_id_length, options.key_type, validity);
  if (!authority) return tl::unexpected(authority.error());
  auto signer = authority->issue(request);
  return signing(std::move(*authority), std::move(signer));
}

Result<NewOverlay> make_overlay(const InitOptions& options, Wall now, const Streams& streams) {
  const io::OpensslCrypto crypto;
  ConfigSettings settings = options.settings;
  if (!options.self_signed.empty())
    settings.self_signed = options.self_signed == "sha1" ? config::NodeIdDigest::sha1 : config::NodeIdDigest::sha256;
  if (options.shared_secret) {
    auto secret = shared_secret(*options.shared_secret, streams);
    if (!secret) return tl::unexpected(secret.error());
    settings.shared_secret = std::move(*secret);
  }
  auto config = build_config(settings);
  if (!config) return tl::unexpected(config.error());
  auto made = make_signer(options, *config, validity_for(now, options.days));
  if (!made) return tl::unexpected(made.error());
  if (made->authority) config->root_certs = {made->authority->der()};
  config->configuration_signers = config->kind_signers = {made->signer.identity.node_ids.front()};

  const SecretText entry = made->signer.entry();
  const auto credentials = io::parse_credentials(entry.view(), crypto, config->node_id_length);
  if (!credentials) return tl::unexpected(credentials.error());
  const security::Credential& signing = *credentials->front();
  auto document = security::sign_config(config::write_config(*config), config->instance_name, signing, signing, crypto);
  if (!document) return tl::unexpected(document.error());
  NewOverlay overlay{std::nullopt, std::move(made->signer), document_mode(*config), std::move(*document)};
  if (!made->authority) return overlay;
  auto key = made->authority->key();
  if (!key) return tl::unexpected(key.error());
  overlay.authority.emplace(AuthorityFiles{std::move(*key), made->authority->certificate()});
  return overlay;
}

}  // namespace

Result<void> run_init(const InitOptions& options, Wall now, const Streams& streams) {
  const OverlayDir dir{options.dir};
  for (const Path& path : {dir.ca_key(), dir.ca_certificate(), dir.signer(), dir.document(), dir.records()}) {
    if (!file_exists(path)) continue;
    return failure(path.string() + " exists already and is not overwritten: an overlay's keys cannot be made again. " +
                   "Choose another --dir, or move the old files away first");
  }
  const auto overlay = make_overlay(options, now, streams);
  if (!overlay) return tl::unexpected(overlay.error());
  if (auto made = dir.make(); !made) return made;
  struct File {
    Path path;
    mode_t mode;
    std::string_view text;
  };
  const SecretText signer = overlay->signer.entry();
  const std::string record = overlay->signer.record();
  std::vector<File> files;
  if (overlay->authority) {
    files.push_back({dir.ca_key(), kPrivateMode, overlay->authority->key.view()});
    files.push_back({dir.ca_certificate(), kPublicMode, overlay->authority->certificate});
  }
  files.push_back({dir.signer(), kPrivateMode, signer.view()});
  files.push_back({dir.records(), kPrivateMode, record});
  files.push_back({dir.document(), overlay->document_mode, overlay->document});
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
              << "  " << dir.document().string() << "  configuration document, for every "
              << (options.shared_secret ? "member and nobody else: who has it can join\n" : "peer\n");
  if (overlay->authority)
    streams.out << "  " << dir.ca_certificate().string() << "  certificate of the authority\n"
                << "  " << dir.ca_key().string() << "  its key: keep it secret, and a backup of it\n";
  streams.out << "  " << dir.signer().string() << "  credential that signs the document: keep it secret\n";
  streams.out.flush();
  return {};
}

}  // namespace reload::certs
