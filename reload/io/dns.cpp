#include "reload/io/dns.hpp"

#include <ares.h>
#include <arpa/nameser.h>
#include <netinet/in.h>
#include <poll.h>

#include <algorithm>
#include <cstring>

#include "reload/base/limits.hpp"
#include "reload/io/system_clock.hpp"
#include "reload/io/uv_tcp.hpp"

namespace reload::io {

namespace {

constexpr int kTimeoutMs = 2000;  // of the first try of one server
constexpr int kTries = 3;
constexpr Duration kLookAround = 100ms;  // how late a cancellation may be seen

bool is_absent(int status) { return status == ARES_ENOTFOUND || status == ARES_ENODATA || status == ARES_ENONAME; }

wire::IpAddressPort from_node(const ares_addrinfo_node& node, std::uint16_t port) {
  wire::IpAddressPort address;
  address.port = port;
  if (node.ai_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, node.ai_addr, sizeof v6);
    address.type = wire::AddressType::ipv6;
    std::memcpy(address.address.data(), &v6.sin6_addr, 16);
  } else {
    sockaddr_in v4{};
    std::memcpy(&v4, node.ai_addr, sizeof v4);
    std::memcpy(address.address.data(), &v4.sin_addr, 4);
  }
  return address;
}

}  // namespace

struct Resolver::Channel {
  ares_channel handle = nullptr;
  std::string server;  // in words
  const std::atomic<bool>* cancelled = nullptr;
  Mono end;
  // Of the query under way.
  bool done = false;
  int status = ARES_SUCCESS;

  // Waits for the one query that was begun.
  void wait() {
    while (!done) {
      const Duration left = end - system_now().mono;
      if (*cancelled || left <= Duration::zero()) {
        ares_cancel(handle);  // calls back with ARES_ECANCELLED
        return;
      }
      turn(std::min(left, kLookAround));
    }
  }

  void turn(Duration most) {
    ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
    const int wanted = ares_getsock(handle, sockets, ARES_GETSOCK_MAXNUM);
    pollfd polled[ARES_GETSOCK_MAXNUM];
    nfds_t count = 0;
    for (unsigned i = 0; i < ARES_GETSOCK_MAXNUM; ++i) {
      const int events =
          ((wanted & (1 << i)) != 0 ? POLLIN : 0) | ((wanted & (1 << (i + ARES_GETSOCK_MAXNUM))) != 0 ? POLLOUT : 0);
      if (events != 0) polled[count++] = {sockets[i], static_cast<short>(events), 0};
    }
    const int ready = poll(polled, count, static_cast<int>(most / 1ms) + 1);
    if (ready <= 0) return ares_process_fd(handle, ARES_SOCKET_BAD, ARES_SOCKET_BAD);  // its timers
    for (nfds_t i = 0; i < count; ++i) {
      const bool fault = (polled[i].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0;
      const auto socket_if = [&](short event) {
        return (polled[i].revents & event) != 0 || (fault && (polled[i].events & event) != 0) ? polled[i].fd
                                                                                              : ARES_SOCKET_BAD;
      };
      ares_process_fd(handle, socket_if(POLLIN), socket_if(POLLOUT));
    }
  }

  [[nodiscard]] tl::unexpected<Failure> failed(const std::string& what) const {
    const std::string why = *cancelled                  ? "cancelled"
                            : status == ARES_ECANCELLED ? "no answer in time"
                                                        : ares_strerror(status);
    return failure("DNS does not tell " + what + ": " + why + " (" + server + ")");
  }
};

Resolver::Resolver(std::unique_ptr<Channel> channel) : channel_(std::move(channel)) {}

Resolver::~Resolver() { ares_destroy(channel_->handle); }

Result<std::unique_ptr<Resolver>> Resolver::make(const std::optional<wire::IpAddressPort>& server,
                                                 const std::atomic<bool>& cancelled) {
  static const int library = ares_library_init(ARES_LIB_INIT_ALL);
  if (library != ARES_SUCCESS) return failure("c-ares: " + std::string(ares_strerror(library)));
  auto channel = std::make_unique<Channel>();
  channel->server = server ? "server " + to_text(*server) : "servers of this machine";
  channel->cancelled = &cancelled;
  channel->end = system_now().mono + limits::kDnsTime;
  ares_options options{};
  options.flags = ARES_FLAG_NOSEARCH;  // an overlay's name is a whole name
  options.timeout = kTimeoutMs;
  options.tries = kTries;
  int status = ares_init_options(&channel->handle, &options, ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
  if (status != ARES_SUCCESS) return failure("c-ares: " + std::string(ares_strerror(status)));
  std::unique_ptr<Resolver> resolver(new Resolver(std::move(channel)));
  if (server) {
    status = ares_set_servers_ports_csv(resolver->channel_->handle, to_text(*server).c_str());
    if (status != ARES_SUCCESS) return failure("c-ares: " + std::string(ares_strerror(status)));
  }
  return resolver;
}

Result<std::vector<config::ServiceRecord>> Resolver::services(const std::string& name) {
  struct Query {
    Channel* channel;
    std::vector<config::ServiceRecord> found;
  } query{channel_.get(), {}};
  channel_->done = false;
  ares_query(
      channel_->handle, name.c_str(), ns_c_in, ns_t_srv,
      [](void* data, int status, int, unsigned char* answer, int size) {
        auto* to = static_cast<Query*>(data);
        ares_srv_reply* records = nullptr;
        if (status == ARES_SUCCESS) status = ares_parse_srv_reply(answer, size, &records);
        for (auto* r = records; r != nullptr && to->found.size() < limits::kMaxConfigServers; r = r->next)
          to->found.push_back({r->priority, r->weight, r->port, r->host});
        if (records != nullptr) ares_free_data(records);
        to->channel->status = status;
        to->channel->done = true;
      },
      &query);
  channel_->wait();
  if (channel_->status != ARES_SUCCESS && !is_absent(channel_->status))
    return channel_->failed("the SRV records of " + name);
  return std::move(query.found);
}

Result<std::vector<wire::IpAddressPort>> Resolver::addresses(const std::string& host, std::uint16_t port) {
  struct Query {
    Channel* channel;
    std::uint16_t port;
    std::vector<wire::IpAddressPort> found;
  } query{channel_.get(), port, {}};
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  channel_->done = false;
  ares_getaddrinfo(
      channel_->handle, host.c_str(), nullptr, &hints,
      [](void* data, int status, int, ares_addrinfo* result) {
        auto* to = static_cast<Query*>(data);
        for (const auto* node = result != nullptr ? result->nodes : nullptr;
             node != nullptr && to->found.size() < limits::kMaxConfigServerAddresses; node = node->ai_next)
          if (node->ai_family == AF_INET || node->ai_family == AF_INET6)
            to->found.push_back(from_node(*node, to->port));
        if (result != nullptr) ares_freeaddrinfo(result);
        to->channel->status = status;
        to->channel->done = true;
      },
      &query);
  channel_->wait();
  if (channel_->status != ARES_SUCCESS && !is_absent(channel_->status))
    return channel_->failed("the addresses of " + host);
  return std::move(query.found);
}

}  // namespace reload::io
