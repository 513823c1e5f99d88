#include "sip-usage/sofia/service.hpp"

#include <array>
#include <fstream>
#include <future>
#include <mutex>
#include <thread>

#include "sip-usage/sofia/core.hpp"

namespace reload::sip {

namespace {

constexpr su_duration_t kTick = 1000;  // milliseconds

Result<PasswordTable> load_passwords(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return failure("can't read the SIP password file " + file);
  std::string text;
  std::array<char, 65536> part{};
  // Unlike a stream's iterators, read() turns the exception of a failed read (of a directory, say) into badbit.
  while (in.read(part.data(), part.size()) || in.gcount() > 0)
    text.append(part.data(), static_cast<std::size_t>(in.gcount()));
  if (in.bad()) return failure("can't read the SIP password file " + file);
  return PasswordTable::parse(text, file);
}

Result<bool> check(const SipOptions& options) {
  if (options.listen.empty()) return failure("SIP needs at least one listen address");
  for (const ListenAddress& address : options.listen)
    if (address.address.empty() || address.address == "0.0.0.0" || address.address == "::")
      return failure("the SIP listen address \"" + address.address +
                     "\" is a wildcard; name the address that phones reach, for it is what they are told");
  if (options.digest.empty() || options.digest.size() > 2) return failure("SIP needs one or two digest algorithms");
  if (options.min_expires == 0 || options.min_expires > options.default_expires ||
      options.default_expires > options.max_expires)
    return failure("the SIP expiry times must be 0 < min <= default <= max");
  return true;
}

}  // namespace

struct SipService::Impl {
  SipOptions options;
  PasswordTable passwords;
  SipCounters counters;
  std::shared_ptr<Inbox> inbox;
  std::vector<ListenAddress> listening;
  std::thread thread;

  // Of the SIP thread.
  su_root_t* root = nullptr;
  int inbox_watch = 0;
  std::unique_ptr<OverlayBridge> bridge;
  std::unique_ptr<Core> core;

  void run(OverlayFacts facts, PostToNode post, std::promise<Result<bool>>& started);
  Result<bool> set_up(OverlayFacts facts, PostToNode post);
  void on_facts(OverlayFacts facts) {
    for (const std::string& user : bridge->update(std::move(facts))) core->on_credential_renewed(user);
  }
  static int inbox_event(su_root_magic_t*, su_wait_t*, su_wakeup_arg_t* self) {
    static_cast<Impl*>(self)->inbox->run();
    return 0;
  }
  static void tick(su_root_magic_t*, su_timer_t*, su_timer_arg_t* self) { static_cast<Impl*>(self)->core->tick(); }
};

Result<bool> SipService::Impl::set_up(OverlayFacts facts, PostToNode post) {
  root = su_root_create(nullptr);
  if (root == nullptr) return failure("can't make the SIP event loop");
  bridge = std::make_unique<OverlayBridge>(inbox, std::move(post), std::move(facts));
  Result<std::unique_ptr<Core>> made = Core::create(root, options, passwords, counters, *bridge);
  if (!made) return tl::unexpected(made.error());
  core = std::move(*made);
  listening = core->listening();
  su_wait_t wait{};
  if (su_wait_create(&wait, inbox->descriptor(), SU_WAIT_IN) == 0)
    inbox_watch = su_root_register(root, &wait, inbox_event, this, su_pri_normal);
  if (inbox_watch <= 0) return failure("can't watch the SIP inbox");
  return true;
}

void SipService::Impl::run(OverlayFacts facts, PostToNode post, std::promise<Result<bool>>& started) {
  const Result<bool> ok = set_up(std::move(facts), std::move(post));
  if (ok) {
    su_timer_t* timer = su_timer_create(su_root_task(root), kTick);
    su_timer_set_for_ever(timer, tick, this);
    started.set_value(true);
    su_root_run(root);
    su_timer_destroy(timer);
    core->stop();
  } else {
    started.set_value(ok);
  }
  inbox->close();
  core.reset();
  bridge.reset();
  if (root == nullptr) return;
  if (inbox_watch > 0) su_root_deregister(root, inbox_watch);
  su_root_destroy(root);
}

SipService::SipService(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SipService::~SipService() { stop(); }

Result<std::unique_ptr<SipService>> SipService::start(SipOptions options, OverlayFacts facts, PostToNode post) {
  static std::once_flag once;
  std::call_once(once, [] { su_init(); });
  if (const Result<bool> ok = check(options); !ok) return tl::unexpected(ok.error());
  Result<PasswordTable> passwords = load_passwords(options.passwords_file);
  if (!passwords) return tl::unexpected(passwords.error());
  Result<std::shared_ptr<Inbox>> inbox = Inbox::create();
  if (!inbox) return tl::unexpected(inbox.error());

  auto impl = std::make_unique<Impl>();
  impl->options = std::move(options);
  impl->passwords = std::move(*passwords);
  impl->inbox = std::move(*inbox);
  std::promise<Result<bool>> started;
  std::future<Result<bool>> result = started.get_future();
  impl->thread = std::thread([self = impl.get(), facts = std::move(facts), post = std::move(post), &started]() mutable {
    self->run(std::move(facts), std::move(post), started);
  });
  const Result<bool> ok = result.get();
  if (!ok) {
    impl->thread.join();
    return tl::unexpected(ok.error());
  }
  return std::unique_ptr<SipService>(new SipService(std::move(impl)));
}

void SipService::update(OverlayFacts facts) {
  impl_->inbox->post([impl = impl_.get(), facts = std::move(facts)]() mutable { impl->on_facts(std::move(facts)); });
}

SipStatus SipService::status() const {
  SipStatus status;
  for (std::size_t i = 0; i < kSipCounterCount; ++i)
    status.counters[i] = impl_->counters.get(static_cast<SipCounter>(i));
  status.listening = impl_->listening;
  return status;
}

void SipService::stop() {
  if (!impl_->thread.joinable()) return;
  impl_->inbox->post([impl = impl_.get()] { su_root_break(impl->root); });
  impl_->thread.join();
}

}  // namespace reload::sip
