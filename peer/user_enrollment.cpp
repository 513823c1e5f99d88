#include "peer/user_enrollment.hpp"

#include <spdlog/spdlog.h>

#include "reload/base/limits.hpp"
#include "reload/config/user_name.hpp"
#include "reload/io/openssl_crypto.hpp"
#include "reload/io/overlay_files.hpp"
#include "reload/io/system_clock.hpp"

namespace reload::peer {

namespace {

constexpr std::size_t kMaxListBytes = std::size_t{32} << 20;  // of kMaxHostedUsers names
constexpr Duration kChangedInterval = 500ms;
// The server says no to this one user: its operator may change that.
constexpr Duration kRefusedPause = limits::kLastRenewalPause;

// What is the matter with the server or with our account, so that the next user would fare no better.
bool concerns_all(io::EnrollmentFault fault) {
  switch (fault) {
    case io::EnrollmentFault::no_server:
    case io::EnrollmentFault::unreachable:
    case io::EnrollmentFault::busy:
    case io::EnrollmentFault::authentication:
    case io::EnrollmentFault::cancelled:
      return true;
    default:
      return false;
  }
}

}  // namespace

struct UserEnrollment::Work {
  tl::expected<Ready, io::EnrollmentFailure> result;
  std::string warning;
};

Result<std::unique_ptr<UserEnrollment>> UserEnrollment::open(const Settings& settings, node::Node& node) {
  auto source = io::CredentialSource::make(credential_options(settings));
  if (!source) return tl::unexpected(source.error());
  const std::string key = settings.host_key.empty() ? settings.data + ".key" : settings.host_key;
  auto vault = io::UserVault::open(settings.data + "/users", key);
  if (!vault) return failure("--data or --host-key: " + vault.error().text);
  std::unique_ptr<UserEnrollment> made(new UserEnrollment(settings, std::move(*source), std::move(*vault), node));
  if (made->list_.empty()) return made;
  auto names = made->read_list();
  if (!names) return tl::unexpected(names.error());
  made->listed_ = std::move(*names);
  return made;
}

Result<std::set<std::string>> UserEnrollment::read_list() const {
  const auto bytes = io::read_file(list_, kMaxListBytes);
  if (!bytes) return failure("--host-users: " + bytes.error().text);
  std::set<std::string> names;
  std::size_t number = 0;
  for (std::string_view text = as_text(*bytes); !text.empty();) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.starts_with('#')) continue;
    auto name = config::canonical_user_name(line, node_.config().instance_name);
    if (!name)
      return failure("--host-users: " + list_ + " line " + std::to_string(number) + ": " + name.error().text +
                     "; write one NAME[@DOMAIN] a line");
    names.insert(std::move(*name));
  }
  if (names.size() > limits::kMaxHostedUsers)
    return failure("--host-users: " + list_ + " has more than " + std::to_string(limits::kMaxHostedUsers) + " names");
  return names;
}

void UserEnrollment::start(uv_loop_t* loop, Rng& rng, std::function<void()> changed) {
  rng_ = &rng;
  changed_ = std::move(changed);
  read_roots();
  timer_ = std::make_unique<io::UvTimer>(loop);
  changed_timer_ = std::make_unique<io::UvTimer>(loop);
  for (std::size_t i = 0; i < limits::kHostedEnrollmentsAtOnce; ++i)
    threads_.push_back(std::make_unique<io::Background>(loop));
  if (!list_.empty()) {
    watch_ = std::make_unique<io::FileWatch>(loop, list_, limits::kFileCheckInterval, [this] { reread(); });
    spdlog::info("{} users of {} are hosted here", listed_.size(), list_);
    take_list(std::exchange(listed_, {}));
  }
}

void UserEnrollment::reread() {
  if (list_.empty()) return;
  auto names = read_list();
  if (!names) return spdlog::warn("{}; going on with the old list", names.error().text);
  take_list(std::move(*names));
}

void UserEnrollment::on_config_changed() {
  read_roots();
  for (const auto& [user, id] : node_.credentials().users()) {
    const auto credential = node_.credentials().find(*node_.credentials().find_user(user));
    if (queue_.contains(user) && is_of_older_root(*credential)) queue_.put(user, roll_over_time());
  }
  run_next();
}

void UserEnrollment::read_roots() {
  roots_.reset();
  if (node_.config().root_certs.size() < 2) return;
  if (auto trust = security::Trust::make(node_.shared_config(), io::OpensslCrypto())) roots_ = std::move(*trust);
}

bool UserEnrollment::is_of_older_root(const security::Credential& credential) const {
  return roots_ && security::is_of_older_root(credential, *roots_, io::OpensslCrypto());
}

Wall UserEnrollment::roll_over_time() const {
  const auto users = static_cast<std::int64_t>(queue_.size() + under_way_.size());
  const Duration time = std::max(security::kRollOverTime, users * security::kRollOverTimeOfUser);
  return io::system_now().wall +
         Duration(static_cast<std::int64_t>(rng_->below(static_cast<std::uint64_t>(time.count()) + 1)));
}

void UserEnrollment::take_list(std::set<std::string> names) {
  for (const std::string& name : names) {
    dropped_.erase(name);
    if (!listed_.contains(name)) want(name);
  }
  for (const std::string& name : listed_) {
    if (names.contains(name)) continue;
    spdlog::info("{} is no longer hosted here", name);
    queue_.remove(name);
    if (under_way_.contains(name)) dropped_.insert(name);
    vault_.remove(name);
    node_.remove_user(name);
  }
  listed_ = std::move(names);
  tell_changed();
  run_next();
}

void UserEnrollment::want(const std::string& user) {
  if (node_.credentials().find_user(user) || under_way_.contains(user)) return;
  if (queue_.size() + under_way_.size() >= limits::kMaxHostedUsers) return;
  if (!queue_.contains(user)) queue_.put_first(user);
  run_next();
}

std::set<std::string> UserEnrollment::awaited() const {
  std::set<std::string> users;
  for (const std::string& user : listed_)
    if (!node_.credentials().find_user(user)) users.insert(user);
  return users;
}

// A timer only while a thread is free: else the first that ends goes on here, and a timer that is due at once would
// keep the loop from ever hearing of it.
void UserEnrollment::run_next() {
  for (const auto& thread : threads_) {
    if (thread->busy()) continue;
    const Wall now = io::system_now().wall;
    if (const auto user = queue_.take(now)) {
      run(*thread, *user);
      continue;
    }
    if (const auto next = queue_.next_time())
      timer_->start(std::min<Duration>(*next - now, limits::kConfigFetchCheck), [this] { run_next(); });
    return;
  }
}

void UserEnrollment::run(io::Background& thread, const std::string& user) {
  under_way_.insert(user);
  auto work = std::make_shared<Work>();
  const auto id = node_.credentials().find_user(user);
  thread.run(
      [work, user, source = source_, vault = vault_, config = node_.shared_config(), device = node_.self().hex(),
       old = id ? node_.credentials().find(*id) : nullptr](const std::atomic<bool>& cancelled) {
        const io::OpensslCrypto crypto;
        if (old == nullptr) {
          auto kept = vault.load(user, crypto, config->node_id_length);
          if (!kept) work->warning = kept.error().text;
          const auto trust = security::Trust::make(config, crypto);
          if (kept && *kept && trust &&
              (*trust)->check(*(*kept)->credential->certificate, (*kept)->credential->intermediates,
                              io::system_now().wall, crypto) &&
              (*kept)->credential->certificate->user_name == user) {
            work->result = Ready{(*kept)->credential, (*kept)->since};
            return;
          }
        }
        auto order = source.order(config->instance_name);
        if (!order) {
          work->result =
              tl::unexpected(io::EnrollmentFailure{io::EnrollmentFault::authentication, order.error().text, {}});
          return;
        }
        order->user_name = user;
        order->device = device;
        auto enrolled = io::enroll(*order, config, cancelled, {});
        if (!enrolled) {
          work->result = tl::unexpected(enrolled.error());
          return;
        }
        if (auto written = vault.keep(**enrolled); !written)
          work->warning = "--data: the credential of " + user + " can't be kept: " + written.error().text;
        work->result = Ready{std::move(*enrolled), io::system_now().wall};
      },
      [this, work, user] { on_done(user, *work); });
}

void UserEnrollment::on_done(const std::string& user, const Work& work) {
  under_way_.erase(user);
  if (dropped_.erase(user) > 0) {
    vault_.remove(user);
    return run_next();
  }
  if (!work.warning.empty() && lines_.take(io::system_now().mono)) spdlog::warn("{}", work.warning);
  if (work.result)
    take(user, work.result->credential, work.result->since);
  else
    on_failed(user, work.result.error());
  run_next();
}

void UserEnrollment::take(const std::string& user, const security::CredentialPtr& credential, Wall since) {
  failures_ = 0;
  if (credential->node_id == node_.self()) {
    spdlog::error("the enrollment server gave {} the Node-ID of this peer itself; not hosted", user);
    return;
  }
  node_.add_user(credential);
  tell_changed();
  const auto life = io::life_of(*credential, since);
  const Wall due = is_of_older_root(*credential) ? roll_over_time() : security::renewal_time(life, *rng_);
  queue_.put(user, std::max(due, io::system_now().wall + limits::kLeastRenewalPause));
}

void UserEnrollment::on_failed(const std::string& user, const io::EnrollmentFailure& failure) {
  const Wall now = io::system_now().wall;
  if (!concerns_all(failure.fault)) {
    queue_.put(user, now + kRefusedPause);
    if (lines_.take(io::system_now().mono)) spdlog::warn("no credential for {}: {}", user, failure.text);
    return;
  }
  queue_.put(user, now);
  const security::CredentialLife any{now, now + std::chrono::hours(24)};
  queue_.hold_until(now + security::renewal_pause(any, ++failures_, failure.retry_after, now, *rng_));
  if (lines_.take(io::system_now().mono))
    spdlog::warn("hosted users get no credentials until that is mended, it is tried again: {}", failure.text);
}

// Thousands may come in a row, and each telling costs as much as there are users.
void UserEnrollment::tell_changed() {
  if (std::exchange(change_waits_, true)) return;
  changed_timer_->start(kChangedInterval, [this] {
    change_waits_ = false;
    changed_();
  });
}

}  // namespace reload::peer
