// The loop around a Node on libuv: one input, drain; at the end of each loop turn commit, then send. Links are TLS over
// TCP. All methods run on the loop's thread unless they say otherwise.
#pragma once

#include <uv.h>

#include <map>
#include <mutex>

#include "reload/io/tls_context.hpp"
#include "reload/io/tls_session.hpp"
#include "reload/io/uv_tcp.hpp"
#include "reload/node/node.hpp"

namespace reload::io {

// A link that ended or was never made: for the log.
struct LinkEnd {
  wire::IpAddressPort remote;
  bool inbound = false;
  bool was_up = false;     // the TLS handshake had been done
  bool by_remote = false;  // the other side's or the network's doing
  std::string reason;
};

struct DriverOptions {
  wire::IpAddressPort listen;                    // overlay links; port 0 takes a free one
  std::optional<wire::IpAddressPort> advertise;  // what others are told instead, when it differs
  std::vector<ApplicationId> applications;       // each gets a listener of its own on the same address
  std::shared_ptr<TlsContext> tls;
  unsigned crypto_threads = 0;  // 0: signatures are made and checked on the loop's own thread
  bool accept_links = true;     // false for a client: it opens links only
  std::function<void(const LinkEnd&)> on_link_end;
};

// What a node tells its application; see node/output.hpp.
using NodeEvent = std::variant<node::ApiEvent, node::PipeData, node::PipeDown, node::Joined, node::LeaveDone,
                               node::NoContact, node::ConfigAccepted, node::ConfigRefused, node::StoreFailed>;

class Driver {
 public:
  // Opens the listeners. Failures name the address and the cure.
  static Result<std::unique_ptr<Driver>> make(uv_loop_t* loop, DriverOptions options);
  ~Driver();
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  // Where this node can be reached; known before the node is made.
  [[nodiscard]] connect::ConnectOptions candidates() const;

  // Runs the node from now on. `node` and `crypto` outlive the driver.
  void run(node::Node& node, const security::Crypto& crypto, std::function<void(NodeEvent)> on_event);
  // Gives the node an input; its outputs follow before the loop waits again.
  void input(node::Input input);
  // The node's credential from now on, and the context for new links; links that are up stay as they are.
  [[nodiscard]] Result<void> renew(security::CredentialPtr credential, std::shared_ptr<TlsContext> tls);
  // Runs `task` on the loop's thread soon. Safe from any thread. False when stopped or too many are waiting.
  bool post(std::function<void()> task);
  // Closes all links and listeners; the loop ends when libuv has closed them.
  void stop();

  [[nodiscard]] std::size_t link_count() const { return links_.size(); }

 private:
  struct Link;
  struct CryptoWork;
  Driver(uv_loop_t* loop, DriverOptions options);

  void accepted(std::unique_ptr<UvStream> stream, std::optional<ApplicationId> application);
  void open(const node::OpenLink& order);
  void try_next_address(LinkId id);
  void start_tls(LinkId id, TlsSession::Role role);
  void received(LinkId id, ByteView encrypted);
  void tell(const Link& link, bool by_remote, const std::string& reason) const;
  void write_out(LinkId id);
  void lost(LinkId id, std::string reason);  // by value: the reason may be kept in what is erased here
  void close(const node::CloseLink& order);
  void execute(node::Output& output);
  void run_crypto(node::RunCrypto order);
  void turn();  // flush, drain, send, arm the timer
  void arm_timer();
  void end_slow_handshakes();

  uv_loop_t* loop_;
  DriverOptions options_;
  node::Node* node_ = nullptr;
  const security::Crypto* crypto_ = nullptr;
  std::function<void(NodeEvent)> on_event_;
  std::unique_ptr<UvListener> overlay_listener_;
  std::vector<std::pair<ApplicationId, std::unique_ptr<UvListener>>> app_listeners_;
  std::map<LinkId, std::unique_ptr<Link>> links_;
  uv_timer_t* timer_;
  uv_timer_t* handshake_timer_;
  uv_prepare_t* prepare_;
  uv_async_t* async_;
  std::vector<LinkId> touched_;     // links with bytes to send at the end of the turn
  std::map<LinkId, LinkEnd> gone_;  // links lost in this turn, of which the node does not know yet
  bool dirty_ = false;
  bool stopped_ = false;
  std::mutex posted_mutex_;
  std::vector<std::function<void()>> posted_;
};

}  // namespace reload::io
