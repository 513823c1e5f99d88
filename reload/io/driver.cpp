#include "reload/io/driver.hpp"

#include <algorithm>

#include "reload/base/check.hpp"
#include "reload/base/limits.hpp"
#include "reload/io/system_clock.hpp"

namespace reload::io {

namespace {

constexpr std::uint64_t kSweepMs = 1000;

template <class Handle>
void close_handle(Handle* handle) {
  uv_close(reinterpret_cast<uv_handle_t*>(handle),
           [](uv_handle_t* closed) { delete reinterpret_cast<Handle*>(closed); });
}

Driver* driver_of(void* data) { return static_cast<Driver*>(data); }

}  // namespace

struct Driver::Link {
  std::unique_ptr<UvStream> stream;
  std::shared_ptr<TlsContext> context;  // that of `tls`: a renewal may have made another one since
  std::unique_ptr<TlsSession> tls;
  wire::IpAddressPort remote;
  std::vector<wire::IpAddressPort> addresses;  // still to be tried, for a link that we open
  std::optional<ApplicationId> application;
  Bytes plain;  // what this turn sends: one TLS record instead of one for each frame
  std::string fault;
  Mono since;
  bool inbound = false;
  bool up = false;
  bool touched = false;
};

struct Driver::CryptoWork {
  uv_work_t work{};
  Driver* driver = nullptr;
  const security::Crypto* crypto = nullptr;
  node::RunCrypto order;
  std::optional<security::CryptoResult> result;
};

Driver::Driver(uv_loop_t* loop, DriverOptions options)
    : loop_(loop),
      options_(std::move(options)),
      timer_(new uv_timer_t),
      handshake_timer_(new uv_timer_t),
      prepare_(new uv_prepare_t),
      async_(new uv_async_t) {
  uv_timer_init(loop_, timer_);
  uv_timer_init(loop_, handshake_timer_);
  uv_prepare_init(loop_, prepare_);
  RELOAD_CHECK(uv_async_init(loop_, async_, [](uv_async_t* handle) {
                 Driver* self = driver_of(handle->data);
                 std::vector<std::function<void()>> tasks;
                 {
                   const std::lock_guard lock(self->posted_mutex_);
                   tasks.swap(self->posted_);
                 }
                 for (auto& task : tasks) task();
               }) == 0);
  timer_->data = handshake_timer_->data = prepare_->data = async_->data = this;
}

Driver::~Driver() { stop(); }

Result<std::unique_ptr<Driver>> Driver::make(uv_loop_t* loop, DriverOptions options) {
  std::unique_ptr<Driver> driver(new Driver(loop, std::move(options)));
  if (!driver->options_.accept_links) return driver;
  Driver* self = driver.get();
  auto overlay = UvListener::listen(loop, driver->options_.listen, [self](std::unique_ptr<UvStream> stream) {
    self->accepted(std::move(stream), std::nullopt);
  });
  if (!overlay) return tl::unexpected(overlay.error());
  driver->overlay_listener_ = std::move(*overlay);
  for (ApplicationId application : driver->options_.applications) {
    wire::IpAddressPort at = driver->options_.listen;
    at.port = 0;
    auto listener = UvListener::listen(loop, at, [self, application](std::unique_ptr<UvStream> stream) {
      self->accepted(std::move(stream), application);
    });
    if (!listener) return tl::unexpected(listener.error());
    driver->app_listeners_.emplace_back(application, std::move(*listener));
  }
  return driver;
}

connect::ConnectOptions Driver::candidates() const {
  connect::ConnectOptions candidates;
  if (!overlay_listener_) return candidates;
  wire::IpAddressPort own = options_.advertise.value_or(overlay_listener_->address());
  if (own.port == 0) own.port = overlay_listener_->address().port;
  candidates.overlay_candidates = {own};
  for (const auto& [application, listener] : app_listeners_) {
    wire::IpAddressPort at = own;
    at.port = listener->address().port;
    candidates.applications.emplace_back(application, std::vector{at});
  }
  return candidates;
}

void Driver::run(node::Node& node, const security::Crypto& crypto, std::function<void(NodeEvent)> on_event) {
  node_ = &node;
  crypto_ = &crypto;
  on_event_ = std::move(on_event);
  // The prepare callback runs once a loop turn, before the loop waits: all inputs of the turn share one commit.
  uv_prepare_start(prepare_, [](uv_prepare_t* handle) {
    Driver* self = driver_of(handle->data);
    if (self->dirty_) self->turn();
  });
  uv_timer_start(
      handshake_timer_, [](uv_timer_t* handle) { driver_of(handle->data)->end_slow_handshakes(); }, kSweepMs, kSweepMs);
  node.start(system_now());
  dirty_ = true;
}

void Driver::input(node::Input input) {
  if (stopped_) return;
  node_->handle(std::move(input), system_now());
  dirty_ = true;
}

Result<void> Driver::renew(security::CredentialPtr credential, std::shared_ptr<TlsContext> tls) {
  if (stopped_) return failure("the node has stopped");
  if (auto taken = node_->renew_credential(std::move(credential), system_now()); !taken) return taken;
  options_.tls = std::move(tls);
  return {};
}

bool Driver::post(std::function<void()> task) {
  const std::lock_guard lock(posted_mutex_);
  if (stopped_ || posted_.size() >= limits::kMaxPostedTasks) return false;
  posted_.push_back(std::move(task));
  uv_async_send(async_);
  return true;
}

void Driver::stop() {
  {
    const std::lock_guard lock(posted_mutex_);
    if (stopped_) return;
    stopped_ = true;
  }
  for (auto& [id, link] : links_) {
    if (link->tls) link->tls->shut_down();
    if (link->tls && link->stream) link->stream->write(link->tls->take_encrypted());
  }
  links_.clear();
  overlay_listener_.reset();
  app_listeners_.clear();
  uv_prepare_stop(prepare_);
  close_handle(timer_);
  close_handle(handshake_timer_);
  close_handle(prepare_);
  close_handle(async_);
}

void Driver::accepted(std::unique_ptr<UvStream> stream, std::optional<ApplicationId> application) {
  if (stopped_ || node_ == nullptr) return;
  if (links_.size() >= limits::kMaxLinks) {
    if (options_.on_link_end) options_.on_link_end({stream->remote(), true, false, false, "too many links"});
    return input(node::HandshakeFailed{});
  }
  const LinkId id = node_->new_link();
  auto link = std::make_unique<Link>();
  link->remote = stream->remote();
  link->stream = std::move(stream);
  link->application = application;
  link->inbound = true;
  link->since = system_now().mono;
  UvStream* raw = link->stream.get();
  links_.emplace(id, std::move(link));
  start_tls(id, TlsSession::Role::server);
  raw->start({.connected = {},
              .data = [this, id](ByteView bytes) { received(id, bytes); },
              .closed = [this, id](const std::string& reason) { lost(id, reason); }});
}

void Driver::open(const node::OpenLink& order) {
  auto link = std::make_unique<Link>();
  link->addresses = order.addresses;
  link->application = order.application;
  link->fault = "no address to connect to";
  links_.emplace(order.link, std::move(link));
  try_next_address(order.link);
}

void Driver::try_next_address(LinkId id) {
  Link& link = *links_.at(id);
  link.tls.reset();
  link.stream.reset();
  link.since = system_now().mono;
  while (!link.addresses.empty()) {
    link.remote = link.addresses.front();
    link.addresses.erase(link.addresses.begin());
    link.stream = UvStream::connect(loop_, link.remote,
                                    {.connected = [this, id] { start_tls(id, TlsSession::Role::client); },
                                     .data = [this, id](ByteView bytes) { received(id, bytes); },
                                     .closed = [this, id](const std::string& reason) { lost(id, reason); }});
    if (link.stream) return;
    link.fault = "cannot connect to " + to_text(link.remote);
    tell(link, true, link.fault);
  }
  const std::string reason = link.fault;
  links_.erase(id);
  input(node::LinkDown{id, reason});
}

void Driver::start_tls(LinkId id, TlsSession::Role role) {
  Link& link = *links_.at(id);
  link.context = options_.tls;
  link.tls = std::make_unique<TlsSession>(*link.context, role);
  write_out(id);
}

void Driver::received(LinkId id, ByteView encrypted) {
  const auto found = links_.find(id);
  if (found == links_.end() || !found->second->tls) return;
  Link& link = *found->second;
  link.tls->feed(encrypted);
  const auto state = link.tls->state();
  if (!link.up && link.tls->state() != TlsSession::State::handshaking && !link.tls->peer_certificates().empty() &&
      state != TlsSession::State::failed) {
    link.up = true;
    write_out(id);
    if (!links_.contains(id)) return;
    input(node::LinkUp{id, link.tls->peer_certificates(), link.remote, link.inbound, link.application});
  } else if (!link.up) {
    write_out(id);
    if (!links_.contains(id)) return;
  }
  if (Bytes plain = link.tls->take_plain(); !plain.empty() && link.up)
    input(node::LinkBytes{id, SharedBytes(std::move(plain))});
  if (state == TlsSession::State::closed || state == TlsSession::State::failed) lost(id, link.tls->fault());
}

void Driver::write_out(LinkId id) {
  const auto found = links_.find(id);
  if (found == links_.end()) return;
  Link& link = *found->second;
  link.touched = false;
  if (!link.tls || !link.stream) return;
  if (link.tls->state() == TlsSession::State::open) link.tls->write(link.plain);
  link.plain.clear();
  link.stream->write(link.tls->take_encrypted());
  if (link.stream->queued() > limits::kMaxLinkQueueBytes) lost(id, "the other side does not read");
}

void Driver::lost(LinkId id, std::string reason) {
  const auto found = links_.find(id);
  if (found == links_.end()) return;
  Link& link = *found->second;
  tell(link, true, reason);
  if (!link.inbound && !link.up) {
    link.fault = to_text(link.remote) + ": " + reason;
    return try_next_address(id);
  }
  const bool was_up = link.up;
  if (was_up) gone_[id] = {link.remote, link.inbound, true, false, {}};
  links_.erase(found);
  if (was_up)
    input(node::LinkDown{id, std::move(reason)});
  else
    input(node::HandshakeFailed{});
}

void Driver::tell(const Link& link, bool by_remote, const std::string& reason) const {
  if (options_.on_link_end) options_.on_link_end({link.remote, link.inbound, link.up, by_remote, reason});
}

void Driver::close(const node::CloseLink& order) {
  const auto found = links_.find(order.link);
  if (found == links_.end()) {
    // The other side was faster; why this one would have closed the link is worth knowing all the same.
    const auto gone = gone_.find(order.link);
    if (gone == gone_.end() || !options_.on_link_end) return;
    gone->second.reason = order.reason;
    return options_.on_link_end(gone->second);
  }
  Link& link = *found->second;
  tell(link, false, order.reason);
  if (link.tls && link.stream) {
    if (link.tls->state() == TlsSession::State::open) link.tls->write(link.plain);
    link.tls->shut_down();
    link.stream->write(link.tls->take_encrypted());
  }
  links_.erase(found);
}

void Driver::execute(node::Output& output) {
  std::visit(Overloaded{[&](node::OpenLink& order) { open(order); },
                        [&](node::SendOnLink& order) {
                          const auto found = links_.find(order.link);
                          if (found == links_.end() || !found->second->up) return;
                          Link& link = *found->second;
                          append(link.plain, order.head);
                          append(link.plain, order.body.view());
                          if (!link.touched) touched_.push_back(order.link);
                          link.touched = true;
                        },
                        [&](node::CloseLink& order) { close(order); },
                        [&](node::RunCrypto& order) { run_crypto(std::move(order)); },
                        [&](auto& event) { on_event_(std::move(event)); }},
             output);
}

void Driver::run_crypto(node::RunCrypto order) {
  if (options_.crypto_threads == 0) {
    auto result = security::run(order.work, *crypto_);
    return input(node::CryptoDone{order.job, std::move(result)});
  }
  auto* work = new CryptoWork;
  work->work.data = work;
  work->driver = this;
  work->crypto = crypto_;
  work->order = std::move(order);
  uv_queue_work(
      loop_, &work->work,
      [](uv_work_t* request) {
        auto* job = static_cast<CryptoWork*>(request->data);
        job->result = security::run(job->order.work, *job->crypto);
      },
      [](uv_work_t* request, int) {
        const std::unique_ptr<CryptoWork> job(static_cast<CryptoWork*>(request->data));
        job->driver->input(node::CryptoDone{job->order.job, std::move(*job->result)});
      });
}

void Driver::turn() {
  // An output may lead to an input at once (signatures made here, a failed connect); go on until all is quiet.
  while (dirty_ && !stopped_) {
    dirty_ = false;
    for (auto& output : node_->take_outputs()) {
      if (stopped_) return;
      execute(output);
      dirty_ = true;
    }
  }
  gone_.clear();
  for (LinkId id : std::exchange(touched_, {})) write_out(id);
  // write_out may have lost a link, which is an input: the next turn comes at once.
  arm_timer();
}

void Driver::arm_timer() {
  if (stopped_) return;
  if (dirty_) {
    uv_timer_start(
        timer_, [](uv_timer_t*) {}, 0, 0);
    return;
  }
  const Now now = system_now();
  const auto deadline = node_->next_deadline(now);
  if (!deadline) {
    uv_timer_stop(timer_);
    return;
  }
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(std::max(*deadline - now.mono, Duration::zero()));
  // libuv counts from the start of the loop turn; what the turn itself took would make the timer early.
  uv_update_time(loop_);
  uv_timer_start(
      timer_, [](uv_timer_t* handle) { driver_of(handle->data)->input(node::Tick{}); },
      static_cast<std::uint64_t>(wait.count()), 0);
}

void Driver::end_slow_handshakes() {
  const Mono now = system_now().mono;
  std::vector<LinkId> slow;
  for (const auto& [id, link] : links_)
    if (!link->up && now - link->since > limits::kHandshakeTime) slow.push_back(id);
  for (LinkId id : slow) lost(id, "no TLS handshake in time");
}

}  // namespace reload::io
