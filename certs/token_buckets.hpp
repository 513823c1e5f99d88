// Rate limits: for each key a bucket that fills with time and that each use takes from.
#pragma once

#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "reload/base/time.hpp"

namespace reload::certs {

// Enough for a /16 of attackers; about 10 MiB.
inline constexpr std::size_t kMaxBuckets = 65536;

class TokenBuckets {
 public:
  TokenBuckets(double burst, double per_second, std::size_t max_keys = kMaxBuckets)
      : burst_(burst), per_second_(per_second), max_keys_(max_keys) {}

  // Takes one, or says how long until there is one.
  [[nodiscard]] std::optional<std::chrono::seconds> take(const std::string& key, Mono now);
  // How long until there is one; nothing is taken.
  [[nodiscard]] std::optional<std::chrono::seconds> wait(const std::string& key, Mono now);
  // Takes one also where none is left: uses that were under way together are all paid for.
  void charge(const std::string& key, Mono now);

  [[nodiscard]] std::size_t size() const { return buckets_.size(); }

 private:
  struct Bucket {
    double tokens;
    Mono filled;
    std::list<const std::string*>::iterator used;
  };
  Bucket& bucket(const std::string& key, Mono now);
  [[nodiscard]] std::optional<std::chrono::seconds> until_one(const Bucket& bucket) const;

  const double burst_;
  const double per_second_;
  const std::size_t max_keys_;
  std::mutex mutex_;
  std::map<std::string, Bucket> buckets_;
  std::list<const std::string*> by_use_;  // the one not used for longest first; it makes way when the table is full
};

// Whom limits count as one: an IPv4 address, or the /64 of an IPv6 address, which one host has whole.
[[nodiscard]] std::string network_of(const std::string& address);

}  // namespace reload::certs
