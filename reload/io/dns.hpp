// What 6940 11.2 asks of DNS: SRV records and addresses, by c-ares. The calls wait for their answer and so are
// for threads that may wait; all those of one resolver end within kDnsTime, and soon when `cancelled` is set.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "reload/base/result.hpp"
#include "reload/config/discovery.hpp"

namespace reload::io {

class Resolver {
 public:
  // `server`: the only one to ask; nothing: those of the system.
  static Result<std::unique_ptr<Resolver>> make(const std::optional<wire::IpAddressPort>& server,
                                                const std::atomic<bool>& cancelled);
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // At most kMaxConfigServers; none when DNS has no such record. A failure is that nobody could tell.
  [[nodiscard]] Result<std::vector<config::ServiceRecord>> services(const std::string& name);
  // A host's addresses, IPv6 and IPv4, at most kMaxConfigServerAddresses; none when there is no such host.
  [[nodiscard]] Result<std::vector<wire::IpAddressPort>> addresses(const std::string& host, std::uint16_t port);

 private:
  struct Channel;
  explicit Resolver(std::unique_ptr<Channel> channel);
  std::unique_ptr<Channel> channel_;
};

}  // namespace reload::io
