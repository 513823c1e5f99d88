#include "certs/overlay_dir.hpp"

#include "reload/config/overlay_xml.hpp"
#include "reload/io/credential_files.hpp"

namespace reload::certs {

Result<config::ConfigPtr> read_document(const Path& path) {
  const auto text = read_file(path);
  if (!text) return tl::unexpected(text.error());
  auto config = parse_document(*text);
  if (!config) return failure(path.string() + ": " + config.error().text);
  return config;
}

Result<config::ConfigPtr> parse_document(std::string_view text) {
  const io::OpensslCrypto crypto;
  return config::read_config(as_bytes(text), "",
                             [&](ByteView name) { return crypto.hash(wire::HashAlgorithm::sha1, {name}); });
}

Result<void> OverlayDir::make() const {
  std::error_code error;
  const bool fresh = std::filesystem::create_directories(root, error);
  if (!error && fresh) std::filesystem::permissions(root, std::filesystem::perms::owner_all, error);
  if (!error && !std::filesystem::is_directory(root)) error = std::make_error_code(std::errc::not_a_directory);
  if (error)
    return failure("cannot make the directory " + root.string() + ": " + error.message() + " (choose another --dir)");
  return {};
}

mode_t document_mode(const config::OverlayConfig& config) { return config.shared_secret ? kPrivateMode : kPublicMode; }

Result<config::ConfigPtr> OverlayDir::load_config() const {
  std::error_code error;
  if (!std::filesystem::exists(document(), error) && !error) {
    return failure(document().string() + " is missing: make the overlay first, with reload-certs init --dir " +
                   root.string() + " --overlay NAME");
  }
  return read_document(document());
}

Result<Authority> OverlayDir::load_authority(const config::OverlayConfig& config,
                                             std::optional<std::string>& warning) const {
  if (config.root_certs.empty())
    return failure("the overlay " + config.instance_name +
                   " has no authority: its members make their own credentials, with reload-certs issue --self-signed " +
                   "--overlay-config " + document().string() + " or reload-peer --self-signed NAME");
  auto key_text = read_file(ca_key());
  if (!key_text) return failure(key_text.error().text + " (the key of the overlay's authority, made by init)");
  const SecretText key(std::move(*key_text));
  const auto certificate = read_file(ca_certificate());
  if (!certificate) return failure(certificate.error().text + " (the certificate of the overlay's authority)");
  warning = io::exposure_warning(ca_key().string());
  auto authority = Authority::from_pem(config.instance_name, config.node_id_length, key.view(), *certificate);
  if (!authority) return failure(root.string() + ": " + authority.error().text);
  return authority;
}

}  // namespace reload::certs
