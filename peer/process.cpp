#include "peer/process.hpp"

#include <spdlog/spdlog.h>

#include "reload/io/credential_files.hpp"
#include "reload/io/lmdb_store.hpp"
#include "reload/io/overlay_files.hpp"
#include "reload/io/system_clock.hpp"

namespace reload::peer {

Process::Process(uv_loop_t* loop, const Settings& settings) : loop_(loop), settings_(settings) {}

Result<std::unique_ptr<Process>> Process::make(uv_loop_t* loop, const Settings& settings) {
  std::unique_ptr<Process> process(new Process(loop, settings));
  if (auto opened = process->open_overlay(); !opened) return tl::unexpected(opened.error());
  if (auto opened = process->open_users(); !opened) return tl::unexpected(opened.error());
  return process;
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

  const auto config = io::load_overlay_config(settings_.overlay_config, settings_.data, crypto_, now.wall);
  if (!config) return failure("--overlay-config: " + config.error().text);
  const auto own = io::load_credentials(settings_.credential, crypto_, (*config)->node_id_length);
  if (!own) return failure("--credential: " + own.error().text);
  if (own->size() != 1)
    return failure("--credential: " + settings_.credential + " holds " + std::to_string(own->size()) +
                   " credentials; a peer has exactly one (reload-certs issue --node)");

  io::DriverOptions options;
  options.listen = *io::parse_address(settings_.listen, 6084);
  if (!settings_.advertise.empty()) options.advertise = *io::parse_address(settings_.advertise, 6084);
  if (!settings_.sip_listen.empty()) options.applications = {wire::kApplicationSip};
  options.crypto_threads = settings_.crypto_threads;
  auto tls = io::TlsContext::make(*own->front(), settings_.key_log);
  if (!tls) return failure(tls.error().text);
  options.tls = *tls;
  auto driver = io::Driver::make(loop_, std::move(options));
  if (!driver)
    return failure("--listen: " + driver.error().text + "; choose another port or end the process that holds it");
  driver_ = std::move(*driver);

  node::NodeOptions node_options;
  node_options.first_peer = settings_.first_peer;
  node_options.candidates = driver_->candidates();
  for (const auto& address : settings_.bootstrap) node_options.bootstrap.push_back(*io::parse_address(address, 6084));
  auto node = node::Node::make(std::move(node_options), *config, security::Credentials(own->front()), crypto_, rng_,
                               *store_, now);
  if (!node) return failure("--credential " + settings_.credential + ": " + node.error().text);
  node_ = std::move(*node);
  port_ =
      std::make_unique<overlay::OverlayPort>(*node_, [this](node::Input input) { driver_->input(std::move(input)); });
  return {};
}

Result<void> Process::open_users() {
  if (settings_.sip_listen.empty()) return {};
  const auto users = io::load_credentials(settings_.users, crypto_, node_->config().node_id_length);
  if (!users) return failure("--users: " + users.error().text);
  for (const auto& user : *users) node_->add_user(user);
  spdlog::info("{} user credentials from {}", users->size(), settings_.users);
  return {};
}

void Process::start(std::function<void()> on_finished) {
  on_finished_ = std::move(on_finished);
  driver_->run(*node_, crypto_, [this](io::NodeEvent event) { on_event(std::move(event)); });
  spdlog::info("node {} of {} listens on {}", node_->self().hex(), node_->config().instance_name, settings_.listen);
  if (!settings_.sip_listen.empty()) {
    auto sip =
        sip::SipService::start(*sip_options(settings_), facts(), [this](std::function<void(overlay::Overlay&)> call) {
          driver_->post([this, call = std::move(call)] { call(*port_); });
        });
    if (!sip) {
      spdlog::error("--sip-listen: {}", sip.error().text);
      failed_ = true;
      return stop();
    }
    sip_ = std::move(*sip);
  }
  if (settings_.admin.empty()) return;
  const auto address = *io::parse_address(settings_.admin, 8080);
  std::string host = io::to_text(address);
  host.resize(host.rfind(':'));
  auto admin = Admin::start(host, address.port, [this](std::function<void(AdminSnapshot)> give) {
    return driver_->post([this, give = std::move(give)] { give(snapshot()); });
  });
  if (!admin) {
    spdlog::error("{}", admin.error().text);
    failed_ = true;
    return stop();
  }
  admin_ = std::move(*admin);
}

void Process::stop() {
  if (finished_) return;
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
  driver_->stop();
  on_finished_();
  spdlog::info("ended");
}

void Process::on_event(io::NodeEvent event) {
  std::visit(
      Overloaded{[&](node::ApiEvent& api) { port_->on_event(std::move(api)); },
                 [&](node::PipeData& data) { port_->on_event(std::move(data)); },
                 [&](node::PipeDown& down) { port_->on_event(std::move(down)); },
                 [&](node::Joined& joined) {
                   spdlog::info(joined.joined ? "joined the overlay" : "no longer in the overlay; joining again");
                   if (sip_) sip_->update(facts());
                 },
                 [&](node::LeaveDone&) { finish(); },
                 [&](node::ConfigAccepted& accepted) {
                   spdlog::info("configuration document {} accepted", accepted.config->sequence);
                   if (auto kept = io::keep_overlay_config(settings_.data, *accepted.config); !kept)
                     spdlog::error("{}", kept.error().text);
                   if (sip_) sip_->update(facts());
                 }},
      event);
}

sip::OverlayFacts Process::facts() const {
  sip::OverlayFacts facts;
  facts.self = node_->self();
  facts.overlay_name = node_->config().instance_name;
  for (const auto& [id, kind] : node_->config().kinds) facts.kinds.push_back(kind);
  facts.users = node_->credentials().users();
  facts.joined = node_->joined();
  return facts;
}

AdminSnapshot Process::snapshot() {
  AdminSnapshot made{node_->status(io::system_now()), node_->counters(), std::nullopt};
  if (sip_) made.sip = sip_->status();
  return made;
}

Process::~Process() = default;

}  // namespace reload::peer
