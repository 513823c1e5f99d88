// A client attached to an overlay for the length of one command: crypto, node in the client role, driver, put together
// as the peer does it. Everything runs on one libuv loop.
#pragma once

#include <uv.h>

#include <functional>
#include <memory>

#include "client/ending.hpp"
#include "client/settings.hpp"
#include "reload/io/driver.hpp"
#include "reload/io/openssl_crypto.hpp"
#include "reload/io/system_rng.hpp"
#include "reload/overlay/overlay_port.hpp"
#include "reload/storage/memory_store.hpp"
#include "reload/usages/certificate_usage.hpp"

namespace reload::client {

class Session {
 public:
  // Reads the files and opens the listener. The failure names the option and the cure.
  static Result<std::unique_ptr<Session>> make(uv_loop_t* loop, const Settings& settings);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Attaches, then begins `command`, which calls `end` when it is done. The loop ends after that, or when the time is
  // over, or at SIGINT or SIGTERM.
  void run(std::function<void()> command);
  // Once; what comes later is without effect.
  void end(Ending ending);
  // A RELOAD error as the end; `cure` says what to do about it. For no answer, on_silence() does.
  void end(const overlay::Error& error, const std::string& cure);
  [[nodiscard]] const Ending& ending() const { return *ending_; }
  // What the command has found so far, for an ending that it does not make itself.
  void on_early_end(std::function<void(Ending&)> add) { add_found_ = std::move(add); }
  // What it may mean that nobody answers.
  void on_silence(std::string cure) { silence_ = std::move(cure); }

  [[nodiscard]] overlay::OverlayPort& overlay() { return *port_; }
  [[nodiscard]] const node::Node& node() const { return *node_; }
  // The peer that everything goes through. Only while a command runs.
  [[nodiscard]] NodeId peer() const;
  // How to sign as this user: its name, or nothing for the node's own credential; and the Node-ID it signs as.
  struct Identity {
    std::string user;
    NodeId node_id;
  };
  [[nodiscard]] std::optional<Identity> identity_of(const std::string& user) const;
  [[nodiscard]] Identity node_identity() const { return {{}, node_->self()}; }
  [[nodiscard]] static Mono now();

 private:
  Session(uv_loop_t* loop, const Settings& settings) : loop_(loop), settings_(settings) {}
  Result<void> load_config(Now now);
  Result<void> load_credential(Now now);
  void keep(const config::OverlayConfig& config);
  Result<void> open();
  Result<void> make_own_credential(Wall now);
  Result<void> open_users();
  [[nodiscard]] Result<io::DriverOptions> driver_options(const std::vector<wire::IpAddressPort>& peers) const;
  void on_event(io::NodeEvent event);
  void on_joined(bool joined);
  void keep_certificate();
  void begin_command();
  void watch();
  void end_early(Ending ending);
  [[nodiscard]] std::string why_not_attached() const;

  uv_loop_t* loop_;
  const Settings& settings_;
  io::OpensslCrypto crypto_;
  io::SystemRng rng_;
  storage::MemoryStore store_;
  config::ConfigPtr config_;
  security::CredentialPtr own_;
  std::string credential_from_;  // the option that names it
  std::string document_;         // where it is from, in words
  std::size_t peer_count_ = 0;
  std::unique_ptr<node::Node> node_;
  std::unique_ptr<overlay::OverlayPort> port_;
  std::unique_ptr<io::Driver> driver_;
  std::unique_ptr<usages::CertificateUsage> certificate_;  // of a self-signed client, until it is stored
  uv_timer_t* timer_ = nullptr;
  std::vector<uv_signal_t*> signals_;
  Mono started_;
  std::function<void()> command_;  // until it has begun
  unsigned lost_ = 0;              // how often the last link to a peer was lost
  std::function<void(Ending&)> add_found_;
  std::string last_fault_;  // of a link that was not made
  std::string silence_ = "the overlay may be healing after a failure; try again";
  std::optional<Ending> ending_;
};

}  // namespace reload::client
