// Keeps this peer's certificate and those of its users in the overlay (6940 8): the usage with a timer on the loop.
#pragma once

#include "peer/log_budget.hpp"
#include "reload/io/uv_timer.hpp"
#include "reload/node/node.hpp"
#include "reload/usages/certificate_usage.hpp"

namespace reload::peer {

class CertificateKeeper {
 public:
  // `taken`: the name of this peer's own self-signed certificate is somebody else's.
  CertificateKeeper(uv_loop_t* loop, const node::Node& node, overlay::Overlay& overlay,
                    std::function<void(const std::string& why)> taken);

  // The node has other credentials than before.
  void on_credentials_changed();
  // After each event of the node.
  void run();

 private:
  void on_taken(const usages::Holder& holder, const NodeId& other, const std::function<void(const std::string&)>& stop);

  const node::Node& node_;
  usages::CertificateUsage usage_;
  io::UvTimer timer_;
  LogBudget lines_;
};

}  // namespace reload::peer
