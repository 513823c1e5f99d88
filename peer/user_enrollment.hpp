// Users whose credentials this peer gets by itself, with its own account: those of a list, and where the operator wants
// it those who register. A few at a time, on threads of libuv's; kept encrypted; renewed in time.
#pragma once

#include <memory>
#include <set>

#include "peer/log_budget.hpp"
#include "peer/settings.hpp"
#include "reload/io/background.hpp"
#include "reload/io/credential_source.hpp"
#include "reload/io/file_watch.hpp"
#include "reload/io/user_vault.hpp"
#include "reload/io/uv_timer.hpp"
#include "reload/node/node.hpp"
#include "reload/security/enrollment_queue.hpp"
#include "reload/security/trust.hpp"

namespace reload::peer {

class UserEnrollment {
 public:
  // Reads the list and opens what is kept. The failure names the option and the cure.
  static Result<std::unique_ptr<UserEnrollment>> open(const Settings& settings, node::Node& node);
  // Begins; `changed` is called when the node has other users than before, not more often than twice a second.
  void start(uv_loop_t* loop, Rng& rng, std::function<void()> changed);
  // A new configuration may have a new authority: then credentials of that are got.
  void on_config_changed();
  // Looks into the list again.
  void reread();
  // This user is waited for. No effect for one who is known already.
  void want(const std::string& user);
  // Those of the list whose credentials are not there yet.
  [[nodiscard]] std::set<std::string> awaited() const;

 private:
  struct Work;
  struct Ready {
    security::CredentialPtr credential;
    Wall since;
  };
  UserEnrollment(const Settings& settings, io::CredentialSource source, io::UserVault vault, node::Node& node)
      : list_(settings.host_users), source_(std::move(source)), vault_(std::move(vault)), node_(node) {}
  [[nodiscard]] Result<std::set<std::string>> read_list() const;
  void take_list(std::set<std::string> names);
  void run_next();
  void run(io::Background& thread, const std::string& user);
  void on_done(const std::string& user, const Work& work);
  void take(const std::string& user, const security::CredentialPtr& credential, Wall since);
  void on_failed(const std::string& user, const io::EnrollmentFailure& failure);
  void tell_changed();
  void read_roots();
  [[nodiscard]] bool is_of_older_root(const security::Credential& credential) const;
  [[nodiscard]] Wall roll_over_time() const;

  std::string list_;
  io::CredentialSource source_;
  io::UserVault vault_;
  node::Node& node_;
  Rng* rng_ = nullptr;
  std::shared_ptr<const security::Trust> roots_;  // while there is more than one
  std::function<void()> changed_;
  std::set<std::string> listed_;     // in the file
  std::set<std::string> under_way_;  // on a thread now
  std::set<std::string> dropped_;    // of these: no longer in the file
  security::EnrollmentQueue queue_;  // all others, each with the time of its next turn
  unsigned failures_ = 0;            // of the server, one after the other
  std::vector<std::unique_ptr<io::Background>> threads_;
  std::unique_ptr<io::UvTimer> timer_;
  std::unique_ptr<io::UvTimer> changed_timer_;
  std::unique_ptr<io::FileWatch> watch_;
  bool change_waits_ = false;
  LogBudget lines_;
};

}  // namespace reload::peer
