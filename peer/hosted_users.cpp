#include "peer/hosted_users.hpp"

#include <spdlog/spdlog.h>

#include "reload/base/limits.hpp"
#include "reload/io/credential_files.hpp"
#include "reload/io/openssl_crypto.hpp"
#include "reload/io/system_clock.hpp"
#include "reload/security/trust.hpp"

namespace reload::peer {

namespace {

const std::string kIssueUsers = "; issue them for this overlay with reload-certs issue --users";

}  // namespace

Result<UserCredentials> read_users(const std::string& path, const config::ConfigPtr& config,
                                   const security::Crypto& crypto, Wall now) {
  const auto users = io::load_credentials(path, crypto, config->node_id_length);
  if (!users) return failure("--users: " + users.error().text + kIssueUsers);
  const auto trust = security::Trust::make(config, crypto);
  if (!trust) return tl::unexpected(trust.error());
  UserCredentials found;
  for (const auto& user : *users) {
    if (auto good = (*trust)->check(*user->certificate, user->intermediates, now, crypto); good) {
      found.good.push_back(user);
    } else if (++found.refused == 1) {
      found.first_refused = user->certificate->user_name + ": " + good.error().text;
    }
  }
  if (found.good.empty())
    return failure("--users: " + path + " holds no credential that counts here; the first is of " +
                   found.first_refused + kIssueUsers);
  return found;
}

Result<void> HostedUsers::open(const security::Crypto& crypto, Wall now) {
  const auto found = read_users(path_, node_.shared_config(), crypto, now);
  if (!found) return tl::unexpected(found.error());
  if (const auto warning = io::exposure_warning(path_)) spdlog::warn("{}", *warning);
  tell_refused(*found);
  spdlog::info("{} user credentials from {}", take(*found).taken, path_);
  return {};
}

void HostedUsers::tell_refused(const UserCredentials& found) const {
  if (found.refused > 0)
    spdlog::warn("--users: {} credentials of {} do not count here and are left out; the first is of {}{}",
                 found.refused, path_, found.first_refused, kIssueUsers);
}

HostedUsers::Change HostedUsers::take(const UserCredentials& found) {
  Change change;
  std::set<std::string> names;
  for (const auto& user : found.good) {
    const std::string& name = user->certificate->user_name;
    names.insert(name);
    const auto known = node_.credentials().find_user(name);
    if (known && node_.credentials().find(*known)->certificate->hash == user->certificate->hash) continue;
    node_.add_user(user);
    ++change.taken;
  }
  for (const std::string& name : names_) {
    if (names.contains(name)) continue;
    node_.remove_user(name);
    ++change.removed;
  }
  names_ = std::move(names);
  return change;
}

void HostedUsers::start(uv_loop_t* loop, std::function<void()> changed) {
  changed_ = std::move(changed);
  background_ = std::make_unique<io::Background>(loop);
  watch_ = std::make_unique<io::FileWatch>(loop, path_, limits::kFileCheckInterval, [this] { reread(); });
}

void HostedUsers::reread() {
  if (background_ == nullptr) return;
  if (background_->busy()) {
    again_ = true;
    return;
  }
  auto found = std::make_shared<Result<UserCredentials>>();
  background_->run(
      [found, path = path_, config = node_.shared_config()](const std::atomic<bool>&) {
        const io::OpensslCrypto crypto;
        *found = read_users(path, config, crypto, io::system_now().wall);
      },
      [this, found] {
        if (*found) {
          tell_refused(**found);
          const Change change = take(**found);
          if (change.taken + change.removed > 0) {
            spdlog::info("{}: {} credentials are new, {} users are gone", path_, change.taken, change.removed);
            changed_();
          }
        } else {
          spdlog::warn("{}; going on with the old ones", found->error().text);
        }
        if (std::exchange(again_, false)) reread();
      });
}

}  // namespace reload::peer
