#include "tests/net/real_peer.hpp"

#include "reload/base/check.hpp"
#include "reload/io/lmdb_store.hpp"
#include "reload/io/system_clock.hpp"
#include "reload/storage/memory_store.hpp"

namespace reload::net {

namespace {

constexpr auto kPatience = std::chrono::seconds(20);
constexpr std::uint64_t kBeatMs = 5;

}  // namespace

Loop::Loop() {
  RELOAD_CHECK(uv_loop_init(&loop_) == 0);
  uv_timer_init(&loop_, &beat_);
  // A turn must end though no socket has anything, so that conditions are looked at.
  uv_timer_start(
      &beat_, [](uv_timer_t*) {}, kBeatMs, kBeatMs);
}

Loop::~Loop() {
  uv_close(reinterpret_cast<uv_handle_t*>(&beat_), nullptr);
  uv_run(&loop_, UV_RUN_DEFAULT);
  kept_.clear();
  RELOAD_CHECK(uv_loop_close(&loop_) == 0);
}

bool Loop::run_until(const std::function<bool()>& condition) {
  const Mono deadline = io::system_now().mono + kPatience;
  while (!condition()) {
    if (io::system_now().mono > deadline) return false;
    uv_run(&loop_, UV_RUN_ONCE);
  }
  return true;
}

NodeId nth_id(std::uint8_t n) {
  Bytes bytes(16, 0x11);
  bytes.front() = static_cast<std::uint8_t>(n * 0x50);
  return NodeId(bytes);
}

RealPeer::RealPeer(Loop& loop, const PeerSetup& setup) : loop_(loop) {
  if (setup.data.empty()) {
    store_ = std::make_unique<storage::MemoryStore>();
  } else {
    io::LmdbOptions lmdb;
    lmdb.directory = setup.data;
    lmdb.max_bytes = std::size_t{16} << 20;
    auto opened = io::LmdbStore::open(lmdb);
    RELOAD_CHECK(opened.has_value());
    store_ = std::move(*opened);
  }
  io::DriverOptions options;
  options.listen = *io::parse_address("127.0.0.1:0");
  options.tls = *io::TlsContext::make(*setup.credential, *io::derive_link_secret(*setup.config));
  options.crypto_threads = setup.crypto_threads;
  options.on_link_end = [this](const io::LinkEnd& end) { ends_.push_back(end); };
  auto driver = io::Driver::make(loop.get(), std::move(options));
  RELOAD_CHECK(driver.has_value());
  driver_ = std::move(*driver);

  node::NodeOptions node_options;
  node_options.first_peer = setup.first;
  node_options.bootstrap = setup.bootstrap;
  node_options.candidates = driver_->candidates();
  auto node = node::Node::make(std::move(node_options), setup.config, security::Credentials(setup.credential), *crypto_,
                               rng_, *store_, io::system_now());
  RELOAD_CHECK(node.has_value());
  node_ = std::move(*node);
  port_ = std::make_unique<overlay::OverlayPort>(
      *node_, [raw = driver_.get()](node::Input call) { raw->input(std::move(call)); });
  driver_->run(*node_, *crypto_, [this](io::NodeEvent event) {
    std::visit(Overloaded{[&](node::ApiEvent& api) { port_->on_event(std::move(api)); },
                          [&](node::LeaveDone&) { left_ = true; }, [](auto&) {}},
               event);
  });
}

RealPeer::~RealPeer() {
  driver_->stop();
  loop_.keep(crypto_);
  loop_.keep(driver_);
}

bool RealPeer::ready() const {
  const auto status = node_->status(io::system_now()).topology;
  return status.state == topology::JoinState::joined && status.successor_answers;
}

std::string RealPeer::why() const {
  std::string text;
  for (const io::LinkEnd& end : ends_) text += end.reason + "\n";
  return text;
}

std::string RealPeer::content() const {
  std::string text;
  for (const storage::KindAt& at : store_->kinds_after(std::nullopt, SIZE_MAX)) {
    text += at.resource.hex() + std::to_string(at.kind.value) + "#" + std::to_string(store_->generation(at));
    for (const auto& [key, value] : store_->values(at)) text += as_text(storage::encode_record(value));
  }
  return text;
}

Result<void> RealPeer::renew(const security::CredentialPtr& credential) {
  auto tls = io::TlsContext::make(*credential, *io::derive_link_secret(node_->config()));
  RELOAD_CHECK(tls.has_value());
  return driver_->renew(credential, *tls);
}

void RealPeer::leave() { driver_->input(node::Leave{}); }

overlay::Outcome<overlay::Stored> store(Loop& loop, RealPeer& at, const std::string& user, const std::string& text) {
  overlay::StoreRequest request;
  request.name = user;
  request.kind = wire::kKindSipRegistration;
  request.value.key = to_bytes(at.overlay().user_node_id(user)->view());
  request.value.bytes = to_bytes(as_bytes(text));
  request.user = user;
  std::optional<overlay::Outcome<overlay::Stored>> outcome;
  at.overlay().store(std::move(request), [&](const auto& result) { outcome = result; });
  RELOAD_CHECK(loop.run_until([&] { return outcome.has_value(); }));
  return *outcome;
}

std::string fetch(Loop& loop, RealPeer& at, const std::string& user) {
  std::optional<overlay::Outcome<std::vector<overlay::FetchedValue>>> outcome;
  at.overlay().fetch({user, wire::kKindSipRegistration, {}}, [&](const auto& result) { outcome = result; });
  RELOAD_CHECK(loop.run_until([&] { return outcome.has_value(); }));
  if (!*outcome) return (*outcome).error().text;
  return (*outcome)->size() == 1 ? std::string(as_text((*outcome)->front().value.bytes)) : "";
}

}  // namespace reload::net
