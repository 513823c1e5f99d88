#include "sip-usage/sofia/endpoint.hpp"

#include <sofia-sip/tport_tag.h>

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace reload::sip {

namespace {

// One SIP message, in bytes. Far above what phones send; beyond it the answer is 413.
constexpr unsigned kMaxMessage = 65'535;
// RFC 3261 18.1.1 would move requests above 1300 bytes to TCP, which a phone that registered by UDP need not speak.
constexpr unsigned kUdpMtu = 65'535;
// RFC 3261 16.6 step 11: timer C, more than three minutes.
constexpr unsigned kTimerC = 185'000;
// Messages that wait for one connection while its socket is full.
constexpr unsigned kSendQueue = 4096;

std::uint16_t port_number(const char* text) { return static_cast<std::uint16_t>(std::strtoul(text, nullptr, 10)); }

// sofia-sip doesn't say why it could not listen, so this asks the system again.
std::string why_not(const ListenAddress& address) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
    hints.ai_socktype = type;
    addrinfo* found = nullptr;
    if (getaddrinfo(address.address.c_str(), std::to_string(address.port).c_str(), &hints, &found) != 0)
      return "it is no literal IP address";
    const int fd = socket(found->ai_family, type | SOCK_CLOEXEC, 0);
    const bool ok = fd >= 0 && bind(fd, found->ai_addr, found->ai_addrlen) == 0;
    const int error = errno;
    if (fd >= 0) close(fd);
    freeaddrinfo(found);
    if (!ok) return std::string(type == SOCK_STREAM ? "TCP: " : "UDP: ") + std::strerror(error);
  }
  return "sofia-sip refuses it";
}

}  // namespace

std::string uri_host(const std::string& address) {
  return address.find(':') != std::string::npos && address.front() != '[' ? '[' + address + ']' : address;
}

Result<std::unique_ptr<Endpoint>> Endpoint::create(su_root_t* root, Role role, const std::vector<ListenAddress>& listen,
                                                   Duration idle, Handlers handlers) {
  std::unique_ptr<Endpoint> endpoint(new Endpoint(role, std::move(handlers)));
  for (const ListenAddress& address : listen)
    if (const Result<bool> ok = endpoint->listen(root, address, idle); !ok) return tl::unexpected(ok.error());
  return endpoint;
}

Result<bool> Endpoint::listen(su_root_t* root, const ListenAddress& address, Duration idle) {
  const std::string url = "sip:" + uri_host(address.address) + ':' +
                          (address.port == 0 ? std::string("*") : std::to_string(address.port)) +
                          (role_ == Role::peers ? ";transport=tcp" : "");
  const std::string& ident = idents_.emplace_back(std::to_string(listening_.size()));
  const auto idle_ms = static_cast<unsigned>(std::chrono::duration_cast<std::chrono::milliseconds>(idle).count());
  bool ok = true;
  if (agent_ == nullptr) {
    agent_ = nta_agent_create(root, URL_STRING_MAKE(url.c_str()), received, this, NTATAG_UA(0), NTATAG_CANCEL_487(0),
                              NTATAG_MERGE_482(0), NTATAG_SERVER_RPORT(1), NTATAG_CLIENT_RPORT(0), NTATAG_USE_NAPTR(0),
                              NTATAG_USE_SRV(0), NTATAG_UDP_MTU(kUdpMtu), NTATAG_MAXSIZE(kMaxMessage),
                              NTATAG_TIMER_C(kTimerC), NTATAG_PASS_100(1), TPTAG_IDENT(ident.c_str()),
                              TPTAG_IDLE(idle_ms), TPTAG_PONG2PING(1), TPTAG_QUEUESIZE(kSendQueue), TAG_END());
    ok = agent_ != nullptr;
  } else {
    ok = nta_agent_add_tport(agent_, URL_STRING_MAKE(url.c_str()), TPTAG_IDENT(ident.c_str()), TPTAG_IDLE(idle_ms),
                             TPTAG_PONG2PING(1), TPTAG_QUEUESIZE(kSendQueue), TAG_END()) == 0;
  }
  if (!ok)
    return failure("can't listen for SIP at " + uri_host(address.address) + ':' + std::to_string(address.port) +
                   " (sip listen address): " + why_not(address));
  ListenAddress got = address;
  for (tport_t* tport = tport_primaries(nta_agent_tports(agent_)); tport != nullptr; tport = tport_next(tport))
    if (const char* name = tport_ident(tport); name != nullptr && ident == name)
      got.port = port_number(tport_name(tport)->tpn_port);
  listening_.push_back(got);
  return true;
}

Endpoint::~Endpoint() {
  if (agent_ != nullptr) nta_agent_destroy(agent_);
}

int Endpoint::received(Endpoint* self, nta_agent_t*, msg_t* message, sip_t* sip) {
  (sip->sip_request != nullptr ? self->handlers_.request : self->handlers_.response)(*self, Message(message));
  return 0;
}

tport_t* Endpoint::transport(const msg_t* message) const {
  return tport_delivered_by(nta_agent_tports(agent_), message);
}

Flow Endpoint::source(const msg_t* message) const {
  Flow flow;
  tport_t* tport = transport(message);
  if (tport == nullptr) return flow;
  flow.transport = tport_is_tcp(tport) ? Transport::tcp : Transport::udp;
  if (const char* ident = tport_ident(tport_parent(tport)); ident != nullptr) flow.listener = port_number(ident);
  char text[TPORT_HOSTPORTSIZE] = {};
  const su_sockaddr_t* from = msg_addr(const_cast<msg_t*>(message));
  flow.address = tport_hostport(text, sizeof text, from, 0) != nullptr ? text : "";
  flow.port = ntohs(from->su_port);
  return flow;
}

bool Endpoint::connected(const Flow& flow) const {
  const std::string port = std::to_string(flow.port);
  tp_name_t name{};
  name.tpn_proto = "tcp";
  name.tpn_canon = flow.address.c_str();
  name.tpn_host = flow.address.c_str();
  name.tpn_port = port.c_str();
  name.tpn_ident = ident(flow.listener);
  tport_t* tport = tport_by_name(nta_agent_tports(agent_), &name);
  return tport != nullptr && tport_is_secondary(tport);
}

}  // namespace reload::sip
