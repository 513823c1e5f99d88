// A libuv loop for tests, and peers on it: the production node, driver, TLS and store on loopback sockets.
#pragma once

#include <any>
#include <filesystem>
#include <functional>

#include "reload/io/driver.hpp"
#include "reload/io/openssl_crypto.hpp"
#include "reload/io/system_rng.hpp"
#include "reload/overlay/overlay_port.hpp"
#include "tests/kit/fixtures.hpp"

namespace reload::net {

class Loop {
 public:
  Loop();
  ~Loop();  // runs until everything on it has closed
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  [[nodiscard]] uv_loop_t* get() { return &loop_; }
  // Runs until `condition` holds, for at most 20 s; whether it came to hold.
  bool run_until(const std::function<bool()>& condition);
  // What libuv may still call until the loop has ended.
  void keep(std::shared_ptr<void> object) { kept_.push_back(std::move(object)); }

 private:
  uv_loop_t loop_;
  uv_timer_t beat_;
  std::vector<std::shared_ptr<void>> kept_;
};

// Node-IDs that divide the ring.
[[nodiscard]] NodeId nth_id(std::uint8_t n);

struct PeerSetup {
  config::ConfigPtr config;
  security::CredentialPtr credential;
  bool first = false;
  std::vector<wire::IpAddressPort> bootstrap;
  std::filesystem::path data;  // an LMDB there; empty: values rest in memory
  unsigned crypto_threads = 0;
};

class RealPeer {
 public:
  RealPeer(Loop& loop, const PeerSetup& setup);
  ~RealPeer();  // as when the process is killed
  RealPeer(const RealPeer&) = delete;
  RealPeer& operator=(const RealPeer&) = delete;

  [[nodiscard]] node::Node& node() { return *node_; }
  [[nodiscard]] overlay::OverlayPort& overlay() { return *port_; }
  [[nodiscard]] storage::ValueStore& store() { return *store_; }
  [[nodiscard]] NodeId id() const { return node_->self(); }
  [[nodiscard]] wire::IpAddressPort address() const { return driver_->candidates().overlay_candidates.front(); }
  [[nodiscard]] std::uint64_t count(Counter counter) const { return node_->counters().get(counter); }
  [[nodiscard]] bool ready() const;  // joined, and the successor answers
  // Why links ended, in order.
  [[nodiscard]] const std::vector<io::LinkEnd>& ends() const { return ends_; }
  [[nodiscard]] std::string why() const;  // all of them as text
  // All values with their signatures and times, as bytes: equal exactly when nothing changed.
  [[nodiscard]] std::string content() const;
  void leave();
  Result<void> renew(const security::CredentialPtr& credential);
  [[nodiscard]] bool left() const { return left_; }

 private:
  Loop& loop_;
  std::shared_ptr<io::OpensslCrypto> crypto_ = std::make_shared<io::OpensslCrypto>();  // jobs may outlive the peer
  io::SystemRng rng_;
  std::unique_ptr<storage::ValueStore> store_;
  std::unique_ptr<node::Node> node_;
  std::unique_ptr<overlay::OverlayPort> port_;
  std::shared_ptr<io::Driver> driver_;
  std::vector<io::LinkEnd> ends_;
  bool left_ = false;
};

// The results of calls, waited for on the loop.
overlay::Outcome<overlay::Stored> store(Loop& loop, RealPeer& at, const std::string& user, const std::string& text);
// The value stored under the user's name, or the error's text; empty when there is none.
std::string fetch(Loop& loop, RealPeer& at, const std::string& user);

}  // namespace reload::net
