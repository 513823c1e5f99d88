// The parts of a running peer, made from its settings and put together: crypto, store, node, driver, SIP service, admin
// endpoint. Runs on one libuv loop; SIP and HTTP have threads of their own.
#pragma once

#include <memory>

#include "peer/admin.hpp"
#include "peer/certificate_keeper.hpp"
#include "peer/hosted_users.hpp"
#include "peer/log_budget.hpp"
#include "peer/own_credential.hpp"
#include "peer/settings.hpp"
#include "peer/user_enrollment.hpp"
#include "reload/io/config_refresher.hpp"
#include "reload/io/openssl_crypto.hpp"
#include "reload/io/system_rng.hpp"
#include "reload/overlay/overlay_port.hpp"

namespace reload::peer {

class Process {
 public:
  // Opens everything; the failure names the option that was wrong and the cure.
  static Result<std::unique_ptr<Process>> make(uv_loop_t* loop, const Settings& settings);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // `on_finished` is called once, when the process has ended all it runs and only closing handles keep the loop.
  void start(std::function<void()> on_finished);
  // Leaves the overlay, then ends everything so that the loop can end. A second call does not wait for the leave.
  void stop();
  // What the program ends with: not 0 when it could not stay in the overlay.
  [[nodiscard]] int exit_code() const { return exit_code_; }
  // Takes what has changed in the files of credentials (SIGHUP).
  void reread();

 private:
  explicit Process(uv_loop_t* loop, const Settings& settings);
  Result<config::ConfigPtr> load_config(Now now);
  Result<void> make_own_credential(const config::OverlayConfig& config, Wall now);
  Result<void> open_overlay();
  Result<void> open_users();
  Result<void> open_sip();
  Result<void> open_admin();
  [[nodiscard]] bool knows_only_itself() const;
  void on_link_end(const io::LinkEnd& end);
  void on_event(io::NodeEvent event);
  void on_no_contact(std::size_t tried);
  void keep_neighbors_after(Duration wait);
  void keep_neighbors();
  void on_credentials_changed();
  void on_config_accepted(const node::ConfigAccepted& accepted);
  void on_config_refused(const node::ConfigRefused& refused);
  void on_config_fetched(Result<Bytes> document);
  void finish();
  [[nodiscard]] sip::OverlayFacts facts() const;
  [[nodiscard]] AdminSnapshot snapshot();

  uv_loop_t* loop_;
  Settings settings_;
  io::OpensslCrypto crypto_;
  io::SystemRng rng_;
  std::unique_ptr<storage::ValueStore> store_;
  std::unique_ptr<node::Node> node_;
  std::unique_ptr<overlay::OverlayPort> port_;
  std::unique_ptr<io::Driver> driver_;
  std::unique_ptr<io::ConfigRefresher> refresher_;
  std::unique_ptr<OwnCredential> own_;
  std::unique_ptr<HostedUsers> users_;
  std::unique_ptr<UserEnrollment> enrolled_users_;
  std::unique_ptr<io::UvTimer> neighbors_timer_;
  std::vector<wire::IpAddressPort> kept_neighbors_;  // as last written
  std::optional<Mono> told_no_contact_;
  std::string config_from_;  // the option that says where the configuration document comes from
  std::unique_ptr<CertificateKeeper> certificates_;
  std::unique_ptr<sip::SipService> sip_;
  std::unique_ptr<Admin> admin_;
  std::function<void()> on_finished_;
  LogBudget link_lines_;
  LogBudget store_lines_;
  LogBudget config_lines_;
  bool stopping_ = false;
  bool finished_ = false;
  int exit_code_ = 0;
};

}  // namespace reload::peer
