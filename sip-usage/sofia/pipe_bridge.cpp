#include "sip-usage/sofia/pipe_bridge.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "reload/base/check.hpp"
#include "reload/base/limits.hpp"

namespace reload::sip {

namespace {

constexpr std::size_t kReadSize = 65'536;
constexpr std::size_t kPongSize = 2;  // RFC 5626 3.5.1: CRLF answers CRLF CRLF

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

}  // namespace

PipeBridge::~PipeBridge() {
  while (!relays_.empty()) close(relays_.begin()->first);
}

void PipeBridge::open(const overlay::Pipe& pipe) {
  auto relay = std::make_unique<Relay>();
  relay->bridge = this;
  relay->pipe = pipe.id;
  relay->remote = pipe.remote;
  Relay& here = *relay;
  relays_.emplace(pipe.id, std::move(relay));
  if (!connect(here)) return fail(pipe.id);
  by_port_.emplace(here.port, pipe.id);
  // The ping is answered as soon as sofia-sip has accepted the connection: from then on it can send on it.
  incoming(pipe.id, SharedBytes(to_bytes(as_bytes("\r\n\r\n"))));
}

bool PipeBridge::connect(Relay& relay) {
  relay.socket = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (relay.socket < 0) return false;
  const int on = 1;
  setsockopt(relay.socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in own = loopback(0);
  socklen_t size = sizeof own;
  if (bind(relay.socket, reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0 ||
      getsockname(relay.socket, reinterpret_cast<sockaddr*>(&own), &size) != 0)
    return false;
  relay.port = ntohs(own.sin_port);
  const sockaddr_in listener = loopback(listener_port_);
  if (::connect(relay.socket, reinterpret_cast<const sockaddr*>(&listener), sizeof listener) != 0 &&
      errno != EINPROGRESS)
    return false;
  su_wait_t wait{};
  if (su_wait_create(&wait, relay.socket, SU_WAIT_IN) != 0) return false;
  relay.watch = su_root_register(root_, &wait, event, &relay, su_pri_normal);
  return relay.watch > 0;
}

void PipeBridge::close(overlay::PipeId pipe) {
  const auto at = relays_.find(pipe);
  if (at == relays_.end()) return;
  const std::unique_ptr<Relay> relay = std::move(at->second);
  relays_.erase(at);
  if (const auto port = by_port_.find(relay->port); port != by_port_.end() && port->second == pipe)
    by_port_.erase(port);
  if (relay->watch > 0) su_root_deregister(root_, relay->watch);
  if (relay->socket >= 0) ::close(relay->socket);
  for (const Ready& ready : std::exchange(relay->waiting, {})) ready(false);
}

void PipeBridge::fail(overlay::PipeId pipe) {
  close(pipe);
  events_.broken(pipe);
}

int PipeBridge::event(su_root_magic_t*, su_wait_t* wait, su_wakeup_arg_t* arg) {
  auto& relay = *static_cast<Relay*>(arg);
  PipeBridge& bridge = *relay.bridge;
  const overlay::PipeId pipe = relay.pipe;
  const int events = su_wait_events(wait, relay.socket);
  if ((events & SU_WAIT_OUT) != 0 && !bridge.write(relay)) {
    bridge.fail(pipe);
  } else if ((events & (SU_WAIT_IN | SU_WAIT_HUP | SU_WAIT_ERR)) != 0 && bridge.relays_.contains(pipe) &&
             !bridge.read(relay)) {
    bridge.fail(pipe);
  }
  return 0;
}

// One read an event, so that a busy pipe doesn't keep the others waiting. False when the relay is over.
bool PipeBridge::read(Relay& relay) {
  std::array<std::uint8_t, kReadSize> buffer;  // NOLINT: read() fills what is used
  const ssize_t count = recv(relay.socket, buffer.data(), buffer.size(), 0);
  if (count < 0) return errno == EAGAIN || errno == EINTR;
  if (count == 0) return false;
  ByteView bytes = ByteView(buffer).first(static_cast<std::size_t>(count));
  const overlay::PipeId pipe = relay.pipe;
  if (!relay.accepted) take_pong(relay, bytes);
  if (!bytes.empty()) events_.outgoing(pipe, SharedBytes(to_bytes(bytes)));
  return true;
}

void PipeBridge::take_pong(Relay& relay, ByteView& bytes) {
  const std::size_t taken = std::min(kPongSize - relay.pong, bytes.size());
  bytes = bytes.subspan(taken);
  relay.pong += taken;
  relay.accepted = relay.pong == kPongSize;
  if (!relay.accepted) return;
  for (const Ready& ready : std::exchange(relay.waiting, {})) ready(true);
}

void PipeBridge::incoming(overlay::PipeId pipe, const SharedBytes& bytes) {
  const auto at = relays_.find(pipe);
  if (at == relays_.end()) return;
  Relay& relay = *at->second;
  relay.queue.push_back(bytes);
  relay.queued += bytes.size();
  if (relay.queued > limits::kMaxPipeQueueBytes || !write(relay)) fail(pipe);
}

// Writes what the socket takes. False when the relay is over.
bool PipeBridge::write(Relay& relay) {
  bool blocked = false;
  while (!relay.queue.empty() && !blocked) {
    SharedBytes& front = relay.queue.front();
    const ssize_t count = send(relay.socket, front.view().data(), front.size(), MSG_NOSIGNAL);
    if (count < 0 && errno != EAGAIN && errno != EINTR && errno != ENOTCONN) return false;
    blocked = count < 0;
    if (blocked) break;
    relay.queued -= static_cast<std::size_t>(count);
    front = front.slice(static_cast<std::size_t>(count));
    if (front.empty()) relay.queue.pop_front();
  }
  if (blocked != relay.writing) {
    relay.writing = blocked;
    su_root_eventmask(root_, relay.watch, relay.socket, blocked ? SU_WAIT_IN | SU_WAIT_OUT : SU_WAIT_IN);
  }
  return true;
}

void PipeBridge::when_ready(overlay::PipeId pipe, Ready ready) {
  const auto at = relays_.find(pipe);
  if (at == relays_.end()) return ready(false);
  if (at->second->accepted) return ready(true);
  at->second->waiting.push_back(std::move(ready));
}

std::string PipeBridge::route_uri(overlay::PipeId pipe) const {
  const auto at = relays_.find(pipe);
  RELOAD_CHECK(at != relays_.end());
  return "sip:127.0.0.1:" + std::to_string(at->second->port) + ";transport=tcp";
}

std::optional<NodeId> PipeBridge::node_at(const Flow& source) const {
  const auto at = by_port_.find(source.port);
  if (source.address != "127.0.0.1" || at == by_port_.end()) return std::nullopt;
  return relays_.at(at->second)->remote;
}

}  // namespace reload::sip
