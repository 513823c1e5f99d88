// The credentials of the users that this peer hosts, from a file that is read again when it changes.
#pragma once

#include <memory>
#include <set>

#include "reload/io/background.hpp"
#include "reload/io/file_watch.hpp"
#include "reload/node/node.hpp"

namespace reload::peer {

struct UserCredentials {
  std::vector<security::CredentialPtr> good;
  std::size_t refused = 0;
  std::string first_refused;  // of whom, and why
};
// The credentials in a file that count in this overlay now. Safe on any thread. A file without any is a failure.
[[nodiscard]] Result<UserCredentials> read_users(const std::string& path, const config::ConfigPtr& config,
                                                 const security::Crypto& crypto, Wall now);

class HostedUsers {
 public:
  HostedUsers(std::string path, node::Node& node) : path_(std::move(path)), node_(node) {}

  // Reads the file for the first time. The failure names the option and the cure.
  Result<void> open(const security::Crypto& crypto, Wall now);
  // From now on changes of the file are taken; `changed` is called after each that was one.
  void start(uv_loop_t* loop, std::function<void()> changed);
  // Looks into the file again.
  void reread();

 private:
  // How many credentials are new, and how many users are gone.
  struct Change {
    std::size_t taken = 0;
    std::size_t removed = 0;
  };
  Change take(const UserCredentials& found);
  void tell_refused(const UserCredentials& found) const;

  std::string path_;
  node::Node& node_;
  std::set<std::string> names_;
  std::unique_ptr<io::Background> background_;
  std::unique_ptr<io::FileWatch> watch_;
  std::function<void()> changed_;
  bool again_ = false;  // the file changed while it was being read
};

}  // namespace reload::peer
