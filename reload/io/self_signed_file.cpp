#include "reload/io/self_signed_file.hpp"

#include <filesystem>

#include "reload/config/user_name.hpp"
#include "reload/io/credential_files.hpp"
#include "reload/io/overlay_files.hpp"
#include "reload/io/self_signed.hpp"
#include "reload/security/access_control.hpp"

namespace reload::io {

namespace {

constexpr mode_t kPrivateMode = 0600;
// The key is the Node-ID here: a new certificate for it takes nothing from who has stolen it. So there is no reason for
// a short life, but one for an end: clocks of other nodes may be behind ours or wrong.
constexpr Duration kBackdating = 1h;
constexpr Duration kLife = 10 * 365 * 24h;

Validity validity_from(Wall now) { return {now - kBackdating, now + kLife}; }

Result<std::string> admitted_name(const std::string& name, const config::OverlayConfig& config) {
  auto canonical = config::canonical_user_name(name, config.instance_name);
  if (!canonical) return canonical;
  const std::string domain = canonical->substr(canonical->find('@') + 1);
  if (!security::domain_admissible(config, domain))
    return failure("the overlay's configuration does not admit users of the domain " + domain + ", as in " +
                   *canonical + ": see domain-restriction in its document");
  return canonical;
}

Result<SecretText> entry_of(const SelfSignedRequest& request, const security::PrivateKey& key,
                            const config::OverlayConfig& config, const security::Crypto& crypto) {
  const auto made = make_self_signed(request, key, config, crypto);
  if (!made) return tl::unexpected(made.error());
  auto pem = save_private_key(key);
  if (!pem) return tl::unexpected(pem.error());
  const SecretText secret(std::move(*pem));
  unsigned char* der = nullptr;
  const int size = i2d_X509(made->certificate.get(), &der);
  if (size <= 0) return failure("self-signed certificate of " + request.user_name + ": " + openssl_error());
  const std::string certificate = save_certificate({der, static_cast<std::size_t>(size)});
  OPENSSL_free(der);
  return credential_entry(made->identity, secret.view(), certificate);
}

Result<KeptSelfSigned> keep_old(const std::string& path, const std::string& name, const config::OverlayConfig& config,
                                const security::Crypto& crypto, Wall now) {
  const auto held = load_credentials(path, crypto, config.node_id_length);
  if (!held) return tl::unexpected(held.error());
  const security::Certificate& certificate = *held->front()->certificate;
  const auto refuse = [&](const std::string& why) {
    return failure(path + " " + why + ": move it away to become another member, or name another place for it");
  };
  if (held->size() != 1) return refuse("holds several credentials, a member has one");
  if (certificate.overlay != config.instance_name)
    return refuse("is of overlay " + certificate.overlay + ", not " + config.instance_name);
  if (certificate.user_name != name) return refuse("is the credential of " + certificate.user_name + ", not " + name);
  if (!certificate.is_self_issued()) return refuse("is no self-signed credential");
  KeptSelfSigned kept{name};
  if (now < certificate.not_before + (certificate.not_after - certificate.not_before) / 3 * 2) return kept;
  const auto entry =
      entry_of({name, certificate.node_ids.size(), validity_from(now)}, *held->front()->key, config, crypto);
  if (!entry) return tl::unexpected(entry.error());
  if (auto written = write_file(path, as_bytes(entry->view()), kPrivateMode); !written)
    return tl::unexpected(written.error());
  kept.renewed = true;
  return kept;
}

}  // namespace

Result<KeptSelfSigned> keep_self_signed(const std::string& path, const std::string& name,
                                        const config::OverlayConfig& config, const security::Crypto& crypto, Wall now) {
  const auto canonical = admitted_name(name, config);
  if (!canonical) return tl::unexpected(canonical.error());
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) return keep_old(path, *canonical, config, crypto, now);
  const auto key = generate_private_key(KeyType::ecdsa_p256);
  if (!key) return tl::unexpected(key.error());
  const auto entry = entry_of({*canonical, 1, validity_from(now)}, **key, config, crypto);
  if (!entry) return tl::unexpected(entry.error());
  if (auto written = create_file(path, as_bytes(entry->view()), kPrivateMode); !written)
    return tl::unexpected(written.error());
  return KeptSelfSigned{*canonical, true, false};
}

}  // namespace reload::io
