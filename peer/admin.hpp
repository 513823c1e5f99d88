// The admin endpoint: /healthz, /readyz, /status (JSON) and /metrics (Prometheus text), by cpp-httplib on threads of
// its own. It asks the node's thread for a snapshot and never waits for it for more than two seconds.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "reload/base/counters.hpp"
#include "reload/node/node.hpp"
#include "sip-usage/sofia/service.hpp"

namespace reload::peer {

struct AdminSnapshot {
  node::NodeStatus node;
  Counters counters;
  std::optional<sip::SipStatus> sip;
  Wall credential_until;
  std::uint64_t credential_renewals = 0;
  std::size_t hosted_users = 0;  // with a credential here
};

class Admin {
 public:
  using Ask = std::function<bool(std::function<void(AdminSnapshot)>)>;

  // `ask` runs the given function with a snapshot on the node's thread, soon; false when it can't.
  static Result<std::unique_ptr<Admin>> start(const std::string& address, std::uint16_t port, Ask ask);
  ~Admin();
  Admin(const Admin&) = delete;
  Admin& operator=(const Admin&) = delete;

 private:
  struct Impl;
  explicit Admin(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Ready means: in the ring, and the next peer in it answers.
[[nodiscard]] bool is_ready(const AdminSnapshot& snapshot);
[[nodiscard]] std::string status_json(const AdminSnapshot& snapshot);
[[nodiscard]] std::string metrics_text(const AdminSnapshot& snapshot);

}  // namespace reload::peer
