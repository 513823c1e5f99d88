#include "peer/own_credential.hpp"

#include <spdlog/spdlog.h>

#include "reload/base/limits.hpp"
#include "reload/config/xml_values.hpp"
#include "reload/io/self_signed_file.hpp"
#include "reload/io/system_clock.hpp"

namespace reload::peer {

namespace {

// How often it is said that a credential which others renew is near its end.
constexpr Duration kReminderInterval = 1h;

spdlog::level::level_enum level_of(security::Urgency urgency) {
  switch (urgency) {
    case security::Urgency::low:
      return spdlog::level::warn;
    case security::Urgency::high:
      return spdlog::level::err;
    case security::Urgency::expired:
      return spdlog::level::critical;
  }
  return spdlog::level::critical;
}

std::string end_in_words(const security::CredentialLife& life, Wall now) {
  if (now >= life.until) return "it expired at " + config::from_time(life.until) + ", and nobody takes it any more";
  return "it is good until " + config::from_time(life.until);
}

}  // namespace

OwnCredential::OwnCredential(const Settings& settings, io::CredentialSource source, const security::Crypto& crypto)
    : key_log_(settings.key_log), self_signed_(settings.self_signed), source_(std::move(source)), crypto_(crypto) {}

Result<std::unique_ptr<OwnCredential>> OwnCredential::open(const Settings& settings, const config::ConfigPtr& config,
                                                           const security::Crypto& crypto, Wall now) {
  auto source = io::CredentialSource::make(credential_options(settings));
  if (!source) return tl::unexpected(source.error());
  std::unique_ptr<OwnCredential> own(new OwnCredential(settings, std::move(*source), crypto));
  auto loaded = own->source_.load(config, crypto, now, [](const std::string& what) { spdlog::info("{}", what); });
  if (!loaded) return tl::unexpected(loaded.error());
  if (!loaded->warning.empty()) spdlog::warn("{}", loaded->warning);
  own->credential_ = std::move(loaded->credential);
  own->life_ = loaded->life;
  auto secret = io::derive_link_secret(*config);
  if (!secret) return tl::unexpected(secret.error());
  own->secret_ = std::move(*secret);
  own->shared_secret_ = config->shared_secret;
  spdlog::info("credential of {}, Node-ID {}: {}", own->credential_->certificate->user_name,
               own->credential_->node_id.hex(), end_in_words(own->life_, now));
  return own;
}

Result<std::shared_ptr<io::TlsContext>> OwnCredential::tls(const security::Credential& credential) const {
  auto tls = io::TlsContext::make(credential, secret_);
  if (!tls) return failure(in_words() + ": " + tls.error().text);
  if (!key_log_.empty())
    if (auto opened = (*tls)->log_keys(key_log_); !opened)
      return failure("--key-log: " + opened.error().text + "; name a file that this user may write");
  return tls;
}

void OwnCredential::start(uv_loop_t* loop, Rng& rng, const node::Node& node, io::Driver& driver,
                          std::function<void()> changed) {
  changed_ = std::move(changed);
  node_ = &node;
  driver_ = &driver;
  if (source_.enrolls()) {
    keeper_ = std::make_unique<io::CredentialKeeper>(
        loop, source_, rng,
        io::CredentialKeeper::Events{
            .config = [this] { return node_->shared_config(); },
            .renewed = [this](const security::CredentialPtr& renewed) { return take(renewed); },
            .failed =
                [this](security::Urgency urgency, const std::string& why) {
                  spdlog::log(level_of(urgency), "the credential is not renewed, {}; {}",
                              end_in_words(life_, io::system_now().wall), why);
                }});
    keeper_->keep(credential_, life_);
    return on_config_changed();
  }
  watch_ = std::make_unique<io::FileWatch>(loop, source_.path(), limits::kFileCheckInterval, [this] { reread(); });
  reminder_ = std::make_unique<io::UvTimer>(loop);
  watch_life();
}

void OwnCredential::on_config_changed() {
  const auto trust = security::Trust::make(node_->shared_config(), crypto_);
  if (!trust || !security::is_of_older_root(*credential_, **trust, crypto_)) return;
  if (keeper_) {
    spdlog::info("the overlay has a new authority: the credential is renewed");
    return keeper_->renew_within(security::kRollOverTime);
  }
  spdlog::warn(
      "the overlay has a new authority, and {} is of an older one: put a renewed one there (reload-certs issue "
      "--renew) "
      "before the older one is dropped",
      in_words());
}

// One that this peer makes for itself, with the same key: its Node-ID is the digest of that (6940 11.3.1).
void OwnCredential::renew_self_signed() {
  const auto kept = io::keep_self_signed(source_.path(), self_signed_, node_->config(), crypto_, io::system_now().wall);
  if (!kept) return spdlog::error("--self-signed: {}", kept.error().text);
  if (kept->renewed) reread();
}

void OwnCredential::watch_life() {
  if (!self_signed_.empty()) renew_self_signed();
  const Wall now = io::system_now().wall;
  const auto urgency = security::renewal_urgency(life_, now);
  if (urgency != security::Urgency::low)
    spdlog::log(level_of(urgency),
                "{}: {}; put a renewed one there (reload-certs issue --renew), it is taken by itself", in_words(),
                end_in_words(life_, now));
  reminder_->start(kReminderInterval, [this] { watch_life(); });
}

void OwnCredential::reread() {
  if (source_.enrolls()) return;
  const auto found = source_.read(node_->shared_config(), crypto_, io::system_now().wall);
  if (!found) return spdlog::warn("--credential: {}; going on with the old one", found.error().text);
  if ((*found)->certificate->hash == credential_->certificate->hash) return;
  if (auto taken = take(*found); !taken)
    spdlog::warn("--credential {}: {}; going on with the old one", source_.path(), taken.error().text);
}

Result<void> OwnCredential::use_secret_of(const config::OverlayConfig& config) {
  if (config.shared_secret == shared_secret_) return {};
  auto secret = io::derive_link_secret(config);
  if (!secret) return tl::unexpected(secret.error());
  secret_ = std::move(*secret);
  shared_secret_ = config.shared_secret;
  auto context = tls(*credential_);
  if (!context) return tl::unexpected(context.error());
  spdlog::info("new links are by {}", shared_secret_ ? "the document's new shared-secret" : "certificates alone");
  return driver_->renew(credential_, std::move(*context));
}

Result<void> OwnCredential::take(const security::CredentialPtr& credential) {
  auto context = tls(*credential);
  if (!context) return tl::unexpected(context.error());
  if (auto taken = driver_->renew(credential, std::move(*context)); !taken) return taken;
  const Wall now = io::system_now().wall;
  credential_ = credential;
  life_ = io::life_of(*credential, now);
  ++renewals_;
  changed_();
  spdlog::info("credential renewed: {}", end_in_words(life_, now));
  return {};
}

}  // namespace reload::peer
