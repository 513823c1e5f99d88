#include "peer/process.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "reload/base/limits.hpp"
#include "reload/config/xml_values.hpp"
#include "reload/io/credential_files.hpp"
#include "reload/io/former_neighbors.hpp"
#include "reload/io/lmdb_store.hpp"
#include "reload/io/overlay_files.hpp"
#include "reload/io/self_signed_file.hpp"
#include "reload/io/system_clock.hpp"

namespace reload::peer {

namespace {

constexpr std::size_t kMaxPasswordBytes = std::size_t{1} << 30;  // a million users need about 150 MB
constexpr Duration kNeighborsFirstWrite = 10s;
constexpr Duration kNoContactLineInterval = 60s;

void warn_of_exposure(const std::string& path) {
  if (const auto warning = io::exposure_warning(path)) spdlog::warn("{}", *warning);
}

bool is_every_address(const wire::IpAddressPort& address) { return address.address == std::array<std::uint8_t, 16>{}; }

// The address of this machine that faces the first of these there is a route to.
std::optional<wire::IpAddressPort> address_towards(const std::vector<wire::IpAddressPort>& nodes) {
  for (const auto& node : nodes)
    if (auto own = io::local_address_towards(node)) return own;
  return std::nullopt;
}

}  // namespace

Process::Process(uv_loop_t* loop, const Settings& settings) : loop_(loop), settings_(settings) {}

Result<std::unique_ptr<Process>> Process::make(uv_loop_t* loop, const Settings& settings) {
  std::unique_ptr<Process> process(new Process(loop, settings));
  // All that can be wrong shows before the node talks to the overlay.
  for (const auto step : {&Process::open_overlay, &Process::open_users, &Process::open_sip, &Process::open_admin})
    if (auto opened = (process.get()->*step)(); !opened) return tl::unexpected(opened.error());
  return process;
}

Result<config::ConfigPtr> Process::load_config(Now now) {
  auto source = io::ConfigSource::make(settings_.config_source);
  if (!source) return tl::unexpected(source.error());
  const auto loaded =
      source->load(settings_.data, crypto_, rng_, now.wall, [](const std::string& what) { spdlog::info("{}", what); });
  config_from_ = source->in_words();
  if (!loaded) return failure(config_from_ + ": " + loaded.error().text);
  if (loaded->config->shared_secret && !settings_.config_source.file.empty())
    warn_of_exposure(settings_.config_source.file);
  if (!loaded->warning.empty()) spdlog::warn("{}: {}", config_from_, loaded->warning);
  const config::OverlayConfig& config = *loaded->config;
  if (config.is_expired(now.wall))
    return failure(config_from_ + ": document " + std::to_string(config.sequence) + " of " + config.instance_name +
                   " expired at " + config::from_time(*config.expiration) +
                   "; no node may join with it: get a newer one from who runs the overlay");
  spdlog::info("configuration document {} of {}", config.sequence, config.instance_name);
  refresher_ = std::make_unique<io::ConfigRefresher>(
      loop_, std::move(*source), std::chrono::seconds(settings_.config_poll), rng_,
      [this](Result<Bytes> document) { on_config_fetched(std::move(document)); });
  return loaded->config;
}

Result<void> Process::make_own_credential(const config::OverlayConfig& config, Wall now) {
  if (settings_.self_signed.empty()) return {};
  if (settings_.credential.empty()) settings_.credential = settings_.data + "/credential.pem";
  const auto kept = io::keep_self_signed(settings_.credential, settings_.self_signed, config, crypto_, now);
  if (!kept) return failure("--self-signed: " + kept.error().text);
  if (kept->made || kept->renewed)
    spdlog::info("{} the self-signed credential of {} in {}", kept->made ? "made" : "renewed", kept->user_name,
                 settings_.credential);
  return {};
}

Result<void> Process::open_overlay() {
  const Now now = io::system_now();
  io::LmdbOptions store_options;
  store_options.directory = settings_.data;
  store_options.durability = settings_.durability == "disk" ? io::Durability::disk : io::Durability::process;
  store_options.max_bytes = settings_.data_limit_mib << 20;
  auto store = io::LmdbStore::open(store_options);
  if (!store) return failure("--data: " + store.error().text);
  store_ = std::move(*store);

  const auto config = load_config(now);
  if (!config) return tl::unexpected(config.error());
  if (auto made = make_own_credential(**config, now.wall); !made) return made;
  auto own = OwnCredential::open(settings_, *config, crypto_, now.wall);
  if (!own) return failure(own.error().text + " (by the document of " + config_from_ + ")");
  own_ = std::move(*own);
  const auto former = io::former_neighbors(settings_.data);

  io::DriverOptions options;
  options.listen = *io::parse_address(settings_.listen, 6084);
  if (!settings_.advertise.empty()) options.advertise = *io::parse_address(settings_.advertise, 6084);
  std::vector<wire::IpAddressPort> given;
  for (const auto& address : settings_.bootstrap) given.push_back(*io::parse_address(address, 6084));
  if (!options.advertise && is_every_address(options.listen)) {
    options.advertise = address_towards(given.empty() ? (*config)->bootstrap_nodes : given);
    if (!options.advertise) options.advertise = address_towards(former);
    if (!options.advertise)
      return failure("--listen " + settings_.listen +
                     " is every address of this machine, and no bootstrap node tells by its place which of them others "
                     "reach: name it with --advertise");
    options.advertise->port = options.listen.port;
    spdlog::info("others are told to reach this peer at {}", io::to_text(*options.advertise));
  }
  if (!settings_.sip_listen.empty()) options.applications = {wire::kApplicationSip};
  options.crypto_threads = settings_.crypto_threads;
  auto tls = own_->tls(*own_->get());
  if (!tls) return tl::unexpected(tls.error());
  if (!settings_.key_log.empty())
    spdlog::warn("the secrets of all links go to {}: whoever reads it can read the links", settings_.key_log);
  options.tls = *tls;
  options.on_link_end = [this](const io::LinkEnd& end) { on_link_end(end); };
  auto driver = io::Driver::make(loop_, std::move(options));
  if (!driver) return failure("--listen: " + driver.error().text);
  driver_ = std::move(*driver);

  node::NodeOptions node_options;
  node_options.first_peer = settings_.first_peer;
  node_options.candidates = driver_->candidates();
  node_options.bootstrap = std::move(given);
  node_options.former_neighbors = former;
  auto node = node::Node::make(std::move(node_options), *config, security::Credentials(own_->get()), crypto_, rng_,
                               *store_, now);
  if (!node)
    return failure(own_->in_words() + " and " + config_from_ + ": " + node.error().text +
                   "; get a credential for this overlay");
  node_ = std::move(*node);
  port_ =
      std::make_unique<overlay::OverlayPort>(*node_, [this](node::Input input) { driver_->input(std::move(input)); });
  return {};
}

Result<void> Process::open_users() {
  if (settings_.sip_listen.empty()) return {};
  if (enrolls_users(settings_)) {
    auto users = UserEnrollment::open(settings_, *node_);
    if (!users) return tl::unexpected(users.error());
    enrolled_users_ = std::move(*users);
  }
  if (settings_.users.empty()) return {};
  users_ = std::make_unique<HostedUsers>(settings_.users, *node_);
  return users_->open(crypto_, io::system_now().wall);
}

Result<void> Process::open_sip() {
  if (settings_.sip_listen.empty()) return {};
  if (const auto passwords = io::read_file(settings_.passwords, kMaxPasswordBytes); !passwords)
    return failure("--passwords: " + passwords.error().text + "; it must be a file of reload-certs issue --passwords");
  warn_of_exposure(settings_.passwords);
  auto options = *sip_options(settings_);
  if (settings_.host_on_register)
    options.on_missing_credential = [this](const std::string& user) {
      driver_->post([this, user] {
        if (enrolled_users_) enrolled_users_->want(user);
      });
    };
  auto sip = sip::SipService::start(std::move(options), facts(), [this](std::function<void(overlay::Overlay&)> call) {
    driver_->post([this, call = std::move(call)] { call(*port_); });
  });
  if (!sip)
    return failure(
        "--sip-listen or --passwords: " + sip.error().text +
        "; the addresses must be of this machine, their ports free for UDP and TCP, and the passwords a file "
        "of reload-certs issue --passwords");
  sip_ = std::move(*sip);
  return {};
}

Result<void> Process::open_admin() {
  if (settings_.admin.empty()) return {};
  const auto address = *io::parse_address(settings_.admin, 8080);
  std::string host = io::to_text(address);
  host.resize(host.rfind(':'));
  auto admin = Admin::start(host, address.port, [this](std::function<void(AdminSnapshot)> give) {
    return driver_->post([this, give = std::move(give)] { give(snapshot()); });
  });
  if (!admin) return tl::unexpected(admin.error());
  admin_ = std::move(*admin);
  return {};
}

void Process::start(std::function<void()> on_finished) {
  on_finished_ = std::move(on_finished);
  driver_->run(*node_, crypto_, [this](io::NodeEvent event) { on_event(std::move(event)); });
  refresher_->plan(node_->config().expiration, false);
  certificates_ = std::make_unique<CertificateKeeper>(loop_, *node_, *port_, [this](const std::string& why) {
    spdlog::error("{}", why);
    exit_code_ = 1;
    driver_->post([this] { stop(); });
  });
  const auto changed = [this] { on_credentials_changed(); };
  own_->start(loop_, rng_, *node_, *driver_, changed);
  if (users_) users_->start(loop_, changed);
  if (enrolled_users_) enrolled_users_->start(loop_, rng_, changed);
  neighbors_timer_ = std::make_unique<io::UvTimer>(loop_);
  keep_neighbors_after(kNeighborsFirstWrite);
  spdlog::info("node {} of {} listens on {}", node_->self().hex(), node_->config().instance_name, settings_.listen);
  if (!settings_.first_peer && settings_.bootstrap.empty() && knows_only_itself() &&
      io::former_neighbors(settings_.data).empty())
    spdlog::warn("no bootstrap node but this peer itself: to begin the overlay, start it with --first-peer");
}

bool Process::knows_only_itself() const {
  const auto own = driver_->candidates().overlay_candidates;
  return std::ranges::all_of(node_->config().bootstrap_nodes,
                             [&](const auto& node) { return std::ranges::find(own, node) != own.end(); });
}

void Process::reread() {
  if (finished_) return;
  spdlog::info("SIGHUP: looking into the files again");
  own_->reread();
  if (users_) users_->reread();
  if (enrolled_users_) enrolled_users_->reread();
}

void Process::keep_neighbors_after(Duration wait) {
  neighbors_timer_->start(wait, [this] {
    keep_neighbors();
    keep_neighbors_after(limits::kNeighborsWriteInterval);
  });
}

// 6940 11.4. Written when they are others than before, and never while there are none.
void Process::keep_neighbors() {
  if (!node_->joined()) return;
  auto neighbors = io::neighbors_to_keep(node_->status(io::system_now()));
  if (neighbors.empty() || neighbors == kept_neighbors_) return;
  kept_neighbors_ = std::move(neighbors);
  if (auto kept = io::keep_neighbors(settings_.data, kept_neighbors_); !kept) spdlog::warn("{}", kept.error().text);
}

void Process::on_credentials_changed() {
  certificates_->on_credentials_changed();
  if (sip_) sip_->update(facts());
}

void Process::stop() {
  if (finished_) return;
  keep_neighbors();
  const bool leave = !stopping_ && node_->joined();
  stopping_ = true;
  if (!leave) return finish();
  spdlog::info("leaving the overlay");
  driver_->input(node::Leave{});
}

void Process::finish() {
  if (finished_) return;
  finished_ = true;
  if (sip_) sip_->stop();
  admin_.reset();
  refresher_.reset();
  certificates_.reset();
  own_.reset();
  users_.reset();
  enrolled_users_.reset();
  neighbors_timer_.reset();
  driver_->stop();
  on_finished_();
  spdlog::info("ended");
}

void Process::on_event(io::NodeEvent event) {
  std::visit(Overloaded{[&](node::ApiEvent& api) { port_->on_event(std::move(api)); },
                        [&](node::PipeData& data) { port_->on_event(std::move(data)); },
                        [&](node::PipeDown& down) { port_->on_event(std::move(down)); },
                        [&](node::Joined& joined) {
                          spdlog::info(joined.joined ? "joined the overlay"
                                       : stopping_   ? "left the overlay"
                                                     : "no longer in the overlay; joining again");
                          if (sip_) sip_->update(facts());
                        },
                        [&](node::LeaveDone& done) {
                          if (!done.reason.empty()) spdlog::error("left the overlay: {}", done.reason);
                          finish();
                        },
                        [&](node::NoContact& none) { on_no_contact(none.tried); },
                        [&](node::ConfigAccepted& accepted) { on_config_accepted(accepted); },
                        [&](node::ConfigRefused& refused) { on_config_refused(refused); },
                        [&](node::StoreFailed& failed) {
                          if (store_lines_.take(io::system_now().mono))
                            spdlog::error("--data: not stored and not acknowledged: {}", failed.reason);
                        }},
             event);
  if (certificates_) certificates_->run();
}

// 6940 6.4.2.1: who can't form connections is told so.
void Process::on_no_contact(std::size_t tried) {
  const Mono now = io::system_now().mono;
  if (told_no_contact_ && now - *told_no_contact_ < kNoContactLineInterval) return;
  told_no_contact_ = now;
  spdlog::error(
      "no way into the overlay: of {} bootstrap nodes and former neighbours none answers or is in the overlay; trying "
      "on. Are they up, and does a firewall let this machine reach them? Others can be named with --bootstrap",
      tried);
}

void Process::on_config_accepted(const node::ConfigAccepted& accepted) {
  const config::OverlayConfig& config = *accepted.config;
  spdlog::info("configuration accepted: document {}, {} Kinds", config.sequence,
               std::distance(config.kinds.begin(), config.kinds.end()));
  if (auto kept = io::keep_overlay_config(settings_.data, config); !kept) spdlog::error("{}", kept.error().text);
  if (auto taken = own_->use_secret_of(config); !taken) spdlog::error("{}", taken.error().text);
  for (const std::string& user : accepted.revoked_users)
    spdlog::warn("the certificate of {} is revoked: this peer does not serve this user any more", user);
  own_->on_config_changed();
  if (enrolled_users_) enrolled_users_->on_config_changed();
  if (refresher_) refresher_->plan(config.expiration, false);
  if (sip_) sip_->update(facts());
}

void Process::on_config_refused(const node::ConfigRefused& refused) {
  if (config_lines_.take(io::system_now().mono)) spdlog::warn("configuration refused, {}", refused.reason);
  if (refused.fetch && refresher_) refresher_->fetch_soon();
}

void Process::on_config_fetched(Result<Bytes> document) {
  const auto again = [this](auto level, const std::string& why) {
    spdlog::log(level, "no newer configuration document was fetched: {}", why);
    if (refresher_) refresher_->plan(node_->config().expiration, true);
  };
  if (!document) return again(spdlog::level::warn, document.error().text);
  port_->offer_config(std::move(*document), [again](const overlay::Outcome<node::OfferConfigDone>& outcome) {
    if (outcome) return;  // told by ConfigAccepted
    again(outcome.error().code == wire::ErrorCode::config_too_old ? spdlog::level::info : spdlog::level::warn,
          outcome.error().text);
  });
}

// A stranger can make as many links fail as it likes, so the log takes only some of them; the counters have all.
void Process::on_link_end(const io::LinkEnd& end) {
  const auto level = end.by_remote && end.was_up ? spdlog::level::debug : spdlog::level::info;
  if (!spdlog::should_log(level) || !link_lines_.take(io::system_now().mono)) return;
  if (const auto left_out = link_lines_.left_out()) spdlog::info("{} lines about links were left out", left_out);
  spdlog::log(level, "link {} {} {}: {}", end.inbound ? "from" : "to", io::to_text(end.remote),
              !end.was_up     ? "not established"
              : end.by_remote ? "lost"
                              : "closed",
              end.reason);
}

sip::OverlayFacts Process::facts() const {
  sip::OverlayFacts facts;
  facts.self = node_->self();
  facts.overlay_name = node_->config().instance_name;
  for (const auto& [id, kind] : node_->config().kinds) facts.kinds.push_back(kind);
  facts.users = node_->credentials().users();
  for (const auto& [user, id] : facts.users) {
    const auto credential = node_->credentials().find(*node_->credentials().find_user(user));
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < sizeof(number); ++i) number = number << 8 | credential->certificate->hash[i];
    facts.credentials[user] = number;
  }
  if (enrolled_users_) facts.awaited = enrolled_users_->awaited();
  facts.joined = node_->joined();
  return facts;
}

AdminSnapshot Process::snapshot() {
  AdminSnapshot made{node_->status(io::system_now()), node_->counters(), std::nullopt, {}, 0, 0};
  made.hosted_users = node_->credentials().users().size();
  made.credential_until = node_->credentials().node()->certificate->not_after;
  if (own_) made.credential_renewals = own_->renewals();
  if (sip_) made.sip = sip_->status();
  return made;
}

Process::~Process() = default;

}  // namespace reload::peer
