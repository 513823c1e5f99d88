// Everything that runs on the SIP thread, put together.
#pragma once

#include <memory>

#include "sip-usage/sofia/context.hpp"
#include "sip-usage/sofia/openssl_hash.hpp"
#include "sip-usage/sofia/overlay_bridge.hpp"
#include "sip-usage/sofia/proxy.hpp"
#include "sip-usage/sofia/register_handler.hpp"

namespace reload::sip {

class Core {
 public:
  // All parameters by reference outlive it.
  static Result<std::unique_ptr<Core>> create(su_root_t* root, const SipOptions& options,
                                              const PasswordTable& passwords, SipCounters& counters,
                                              OverlayBridge& overlay);
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  void tick();
  void on_credential_renewed(const std::string& user) { registrar_.on_credential_renewed(user); }
  void stop();
  [[nodiscard]] const std::vector<ListenAddress>& listening() const { return phones_->listening(); }

 private:
  Core(su_root_t* root, const SipOptions& options, const PasswordTable& passwords, SipCounters& counters,
       OverlayBridge& overlay);
  Result<bool> listen();
  void attach_overlay();
  void received(Endpoint& from, Message message);

  su_root_t* const root_;
  const SipOptions& options_;
  SipCounters& counters_;
  OverlayBridge& overlay_;
  const PasswordTable& passwords_;
  OpensslHash hash_;
  OpensslRng rng_;
  DigestAuth auth_;
  Registrar registrar_;
  Locator locator_;
  Connections connections_;
  std::unique_ptr<Endpoint> phones_;
  std::unique_ptr<Endpoint> peers_;
  std::unique_ptr<PipeBridge> pipes_;
  std::unique_ptr<Context> context_;
  std::unique_ptr<RegisterHandler> registers_;
  std::unique_ptr<Proxy> proxy_;
};

}  // namespace reload::sip
