#include "client/session.hpp"

#include <spdlog/spdlog.h>

#include <csignal>

#include "client/print.hpp"
#include "reload/config/xml_values.hpp"
#include "reload/io/credential_files.hpp"
#include "reload/io/overlay_files.hpp"
#include "reload/io/self_signed_file.hpp"
#include "reload/io/system_clock.hpp"
#include "reload/security/trust.hpp"

namespace reload::client {

namespace {

constexpr std::uint64_t kWatchMs = 50;
// A peer that refuses our certificate closes each link as soon as it is up.
constexpr unsigned kMaxLost = 3;

std::string in_words(const std::vector<std::string>& peers) {
  std::string text;
  for (const std::string& peer : peers) text += (text.empty() ? "" : ", ") + peer;
  return text.empty() ? "the document's bootstrap nodes" : text;
}

// The address of this machine that faces the first reachable peer, with port 0.
std::optional<wire::IpAddressPort> own_address(const std::vector<wire::IpAddressPort>& peers) {
  for (const auto& peer : peers)
    if (auto own = io::local_address_towards(peer)) return own;
  return std::nullopt;
}

// A handle of any type, let go by the loop when it is closed.
template <class Handle>
void close(uv_handle_t* handle) {
  uv_close(handle, [](uv_handle_t* closed) { delete reinterpret_cast<Handle*>(closed); });
}

}  // namespace

Result<std::unique_ptr<Session>> Session::make(uv_loop_t* loop, const Settings& settings) {
  std::unique_ptr<Session> session(new Session(loop, settings));
  if (auto opened = session->open(); !opened) return tl::unexpected(opened.error());
  if (auto opened = session->open_users(); !opened) return tl::unexpected(opened.error());
  return session;
}

Session::~Session() {
  if (timer_ != nullptr) close<uv_timer_t>(reinterpret_cast<uv_handle_t*>(timer_));
  for (uv_signal_t* signal : signals_) close<uv_signal_t>(reinterpret_cast<uv_handle_t*>(signal));
}

Result<void> Session::load_config(Now now) {
  const auto source = io::ConfigSource::make(settings_.config_source);
  if (!source) return tl::unexpected(source.error());
  const auto loaded =
      source->load(settings_.data, crypto_, rng_, now.wall, [](const std::string& what) { spdlog::info("{}", what); });
  if (!loaded) return failure(source->in_words() + ": " + loaded.error().text);
  if (!loaded->warning.empty()) spdlog::warn("{}", loaded->warning);
  config_ = loaded->config;
  document_ = settings_.config_source.file.empty() ? "the fetched document" : settings_.config_source.file;
  if (config_->is_expired(now.wall))
    spdlog::warn("{}: the document expired at {}", source->in_words(), config::from_time(*config_->expiration));
  return {};
}

Result<void> Session::make_own_credential(Wall now) {
  if (settings_.self_signed.empty()) return {};
  const auto kept = io::keep_self_signed(settings_.credential, settings_.self_signed, *config_, crypto_, now);
  if (!kept) return failure("--self-signed: " + kept.error().text);
  if (kept->made) spdlog::info("made the self-signed credential of {} in {}", kept->user_name, settings_.credential);
  return {};
}

Result<void> Session::load_credential(Now now) {
  if (settings_.own != nullptr) {
    own_ = settings_.own;
    credential_from_ = "the credential of " + own_->certificate->user_name;
    return {};
  }
  const auto tell = [](const std::string& what) { spdlog::info("{}", what); };
  const auto source = io::CredentialSource::make(credential_options(settings_));
  if (!source) return tl::unexpected(source.error());
  credential_from_ = source->in_words();
  auto loaded = source->load(config_, crypto_, now.wall, tell);
  if (!loaded) return failure(loaded.error().text + " (by " + document_ + ")");
  if (!loaded->warning.empty()) spdlog::warn("{}", loaded->warning);
  own_ = std::move(loaded->credential);
  if (!source->enrolls() || now.wall < security::renewal_time(loaded->life, rng_)) return {};
  const std::atomic<bool> cancelled = false;
  auto renewed = source->renew(own_, config_, cancelled, tell);
  if (renewed)
    own_ = std::move(*renewed);
  else
    spdlog::warn("{}: the credential is not renewed: {}; going on with the old one until {}", credential_from_,
                 renewed.error().text, config::from_time(loaded->life.until));
  return {};
}

Result<void> Session::open() {
  const Now now = io::system_now();
  if (!settings_.data.empty())
    if (auto made = io::make_directory(settings_.data); !made) return failure("--data: " + made.error().text);
  if (auto loaded = load_config(now); !loaded) return loaded;
  if (auto made = make_own_credential(now.wall); !made) return made;
  if (auto loaded = load_credential(now); !loaded) return loaded;
  std::vector<wire::IpAddressPort> peers;
  for (const std::string& peer : settings_.peers) peers.push_back(*io::parse_address(peer, 6084));
  if (peers.empty()) peers = config_->bootstrap_nodes;
  if (peers.empty()) return failure("--peer is missing: " + document_ + " names no bootstrap node");
  peer_count_ = peers.size();

  auto options = driver_options(peers);
  if (!options) return tl::unexpected(options.error());
  auto secret = io::derive_link_secret(*config_);
  if (!secret) return tl::unexpected(secret.error());
  auto tls = io::TlsContext::make(*own_, std::move(*secret));
  if (!tls) return failure(credential_from_ + ": " + tls.error().text);
  if (!settings_.key_log.empty())
    if (auto opened = (*tls)->log_keys(settings_.key_log); !opened) return failure("--key-log: " + opened.error().text);
  options->tls = *tls;
  options->on_link_end = [this](const io::LinkEnd& end) {
    if (!end.was_up) last_fault_ = end.reason;
  };
  auto driver = io::Driver::make(loop_, std::move(*options));
  if (!driver) return failure("--listen: " + driver.error().text);
  driver_ = std::move(*driver);

  node::NodeOptions node_options;
  node_options.role = node::Role::client;
  node_options.visits = settings_.visits;
  node_options.candidates = driver_->candidates();
  node_options.bootstrap = std::move(peers);
  auto node =
      node::Node::make(std::move(node_options), config_, security::Credentials(own_), crypto_, rng_, store_, now);
  if (!node)
    return failure(credential_from_ + ": " + node.error().text + "; the authority that made " + document_ +
                   " issues what fits it");
  node_ = std::move(*node);
  port_ =
      std::make_unique<overlay::OverlayPort>(*node_, [this](node::Input input) { driver_->input(std::move(input)); });
  return {};
}

// 6940 6.5.1.13: who is asked by an Attach opens the link, so a client needs a listener as peers do.
Result<io::DriverOptions> Session::driver_options(const std::vector<wire::IpAddressPort>& peers) const {
  io::DriverOptions options;
  if (settings_.listen.empty()) {
    const auto own = own_address(peers);
    options.accept_links = own.has_value();
    if (own) options.listen = *own;
    return options;
  }
  options.listen = *io::parse_address(settings_.listen);
  if (options.listen.address == std::array<std::uint8_t, 16>{}) {
    const auto own = own_address(peers);
    if (!own) return failure("--listen " + settings_.listen + ": name the address that the peers reach");
    options.advertise = *own;
    options.advertise->port = options.listen.port;
  }
  return options;
}

Result<void> Session::open_users() {
  if (settings_.user_credential.empty()) return {};
  const auto users = io::load_credentials(settings_.user_credential, crypto_, node_->config().node_id_length);
  if (!users)
    return failure("--user-credential: " + users.error().text +
                   "; make one with reload-certs issue --dir DIR --user NAME@DOMAIN --out FILE");
  const auto trust = security::Trust::make(config_, crypto_);
  if (!trust) return tl::unexpected(trust.error());
  for (const auto& user : *users) {
    if (auto good = (*trust)->check(*user->certificate, user->intermediates, io::system_now().wall, crypto_); !good)
      return failure("--user-credential " + settings_.user_credential + ", " + user->certificate->user_name + ": " +
                     good.error().text + "; the authority that made " + document_ + " issues what fits it");
    if (user->node_id != node_->self()) node_->add_user(user);
  }
  return {};
}

std::optional<Session::Identity> Session::identity_of(const std::string& user) const {
  if (const auto node_id = port_->user_node_id(user)) return Identity{user, *node_id};
  if (node_->credentials().node()->certificate->user_name == user) return node_identity();
  return std::nullopt;
}

NodeId Session::peer() const {
  const auto status = node_->status(io::system_now());
  return status.topology.successors.empty() ? NodeId() : status.topology.successors.front();
}

Mono Session::now() { return io::system_now().mono; }

void Session::run(std::function<void()> command) {
  command_ = std::move(command);
  started_ = now();
  driver_->run(*node_, crypto_, [this](io::NodeEvent event) { on_event(std::move(event)); });
  timer_ = new uv_timer_t;
  uv_timer_init(loop_, timer_);
  timer_->data = this;
  uv_timer_start(
      timer_, [](uv_timer_t* timer) { static_cast<Session*>(timer->data)->watch(); }, kWatchMs, kWatchMs);
  for (const int number : {SIGINT, SIGTERM}) {
    auto* signal = signals_.emplace_back(new uv_signal_t);
    uv_signal_init(loop_, signal);
    signal->data = this;
    uv_signal_start(
        signal,
        [](uv_signal_t* caught, int) {
          static_cast<Session*>(caught->data)->end_early(failed(Exit::interrupted, "interrupted"));
        },
        number);
  }
}

void Session::on_event(io::NodeEvent event) {
  if (ending_) return;
  std::visit(
      Overloaded{[&](node::ApiEvent& api) { port_->on_event(std::move(api)); }, [&](node::PipeData&) {},
                 [&](node::PipeDown&) {}, [&](node::Joined& joined) { on_joined(joined.joined); },
                 [&](node::LeaveDone&) {}, [&](node::NoContact&) {}, [&](node::StoreFailed&) {},
                 [&](node::ConfigRefused&) {},
                 [&](node::ConfigAccepted& accepted) {
                   if (!accepted.revoked_users.empty())
                     return end_early(failed(Exit::failed, "the certificate of " + accepted.revoked_users.front() +
                                                               " is revoked (bad-node in document " +
                                                               std::to_string(accepted.config->sequence) + ")"));
                   spdlog::info("the overlay has another configuration: document {}", accepted.config->sequence);
                   keep(*accepted.config);
                 }},
      event);
}

// The next command begins with it.
void Session::keep(const config::OverlayConfig& config) {
  if (settings_.data.empty()) return;
  if (auto kept = io::keep_overlay_config(settings_.data, config); !kept) spdlog::warn("--data: {}", kept.error().text);
}

void Session::on_joined(bool joined) {
  if (!joined) {
    spdlog::info("the link to the last peer is lost");
    if (++lost_ >= kMaxLost)
      end_early(
          failed(Exit::timed_out, "not attached to " + node_->config().instance_name + ": " + why_not_attached()));
    return;
  }
  spdlog::info("attached to peer {}", peer().hex());
  if (!command_) return;
  const security::Certificate& own = *node_->credentials().node()->certificate;
  if (node_->config().self_signed_digest && own.is_self_issued()) return keep_certificate();
  begin_command();
}

// 6940 11.3.1: looks whether somebody else has the user name, and has the certificate stored, before anything else.
void Session::keep_certificate() {
  if (certificate_) return;
  usages::CertificateUsage::Events events;
  events.taken = [this](const usages::Holder& holder, const NodeId& other) {
    end_early(failed(Exit::failed, "the user name " + holder.user_name + " is taken: node " + other.hex() +
                                       " has stored a certificate for it with another key; choose another " +
                                       "--self-signed NAME with another --credential file"));
  };
  events.failed = [this](const usages::Holder&, const std::string& why) {
    end_early(failed(Exit::failed, "this client's certificate could not be stored: " + why));
  };
  certificate_ = std::make_unique<usages::CertificateUsage>(*port_, std::move(events));
  const security::Certificate& own = *node_->credentials().node()->certificate;
  certificate_->set_holders({{own.user_name, node_->self(), own.der, own.not_after, false, true}}, io::system_now());
}

void Session::begin_command() {
  if (command_) std::exchange(command_, nullptr)();
}

// Ends what takes too long, and at once what can't be any more: every peer has failed.
void Session::watch() {
  if (ending_) return;
  if (certificate_) {
    certificate_->run(io::system_now());
    if (ending_) return;
    if (certificate_->settled()) {
      certificate_.reset();
      begin_command();
      return;
    }
  }
  const auto& counters = node_->counters();
  const bool all_failed =
      command_ && counters.get(Counter::links_failed) + counters.get(Counter::links_refused) >= peer_count_;
  if (all_failed)
    return end(failed(Exit::timed_out, "not attached to " + node_->config().instance_name + ": " + why_not_attached()));
  if (now() - started_ < std::chrono::seconds(settings_.timeout)) return;
  const std::string time = std::to_string(settings_.timeout) + " s (--timeout)";
  if (command_ || !node_->joined())
    return end_early(failed(Exit::timed_out, "not attached to " + node_->config().instance_name + " within " + time +
                                                 ": " + why_not_attached()));
  end_early(failed(Exit::timed_out, "no answer within " + time + ": " + silence_,
                   std::string(wire::name_of(wire::ErrorCode::request_timeout))));
}

void Session::end_early(Ending ending) {
  if (add_found_) add_found_(ending);
  end(std::move(ending));
}

std::string Session::why_not_attached() const {
  const std::string peers = in_words(settings_.peers);
  if (node_->counters().get(Counter::links_refused) != 0)
    return "the certificate at " + peers + " is none of this overlay's: is " + document_ +
           " the document of the overlay that the peer is in (reload-certs show)?";
  if (lost_ != 0)
    return peers + " closed the link: does the credential of " + credential_from_ +
           " belong to this overlay, and is it valid still (reload-certs show)?";
  // What OpenSSL says of a handshake; nobody there makes none.
  if (last_fault_.find("SSL routines") != std::string::npos)
    return "no link to " + peers + ": " + last_fault_ +
           (config_->shared_secret ? "" : "; is " + document_ + " the newest, with a shared-secret if there is one?");
  return "no answer at " + peers + ": is the peer running there? Name another with --peer";
}

void Session::end(const overlay::Error& error, const std::string& cure) {
  const bool silent = error.code == wire::ErrorCode::request_timeout;
  const std::string& what_to_do = silent ? silence_ : cure;
  end_early(failed(silent ? Exit::timed_out : Exit::failed,
                   printable(error.text) + (what_to_do.empty() ? "" : ": " + what_to_do),
                   std::string(wire::name_of(error.code))));
}

void Session::end(Ending ending) {
  if (ending_) return;
  ending_ = std::move(ending);
  driver_->stop();
  uv_timer_stop(timer_);
  for (uv_signal_t* signal : signals_) uv_signal_stop(signal);
}

}  // namespace reload::client
