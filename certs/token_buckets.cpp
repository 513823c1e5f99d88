#include "certs/token_buckets.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "reload/base/bytes.hpp"

namespace reload::certs {

TokenBuckets::Bucket& TokenBuckets::bucket(const std::string& key, Mono now) {
  const auto found = buckets_.find(key);
  if (found != buckets_.end()) {
    Bucket& known = found->second;
    by_use_.splice(by_use_.end(), by_use_, known.used);
    const std::chrono::duration<double> passed = std::max(now - known.filled, Duration::zero());
    known.tokens = std::min(burst_, known.tokens + passed.count() * per_second_);
    known.filled = std::max(known.filled, now);
    return known;
  }
  if (buckets_.size() >= max_keys_) {
    buckets_.erase(*by_use_.front());
    by_use_.pop_front();
  }
  const auto made = buckets_.emplace(key, Bucket{burst_, now, {}}).first;
  made->second.used = by_use_.insert(by_use_.end(), &made->first);
  return made->second;
}

std::optional<std::chrono::seconds> TokenBuckets::until_one(const Bucket& bucket) const {
  if (bucket.tokens >= 1) return std::nullopt;
  return std::chrono::seconds(static_cast<std::int64_t>(std::ceil((1 - bucket.tokens) / per_second_)));
}

std::optional<std::chrono::seconds> TokenBuckets::take(const std::string& key, Mono now) {
  const std::lock_guard lock(mutex_);
  Bucket& one = bucket(key, now);
  const auto wait = until_one(one);
  if (!wait) one.tokens -= 1;
  return wait;
}

std::optional<std::chrono::seconds> TokenBuckets::wait(const std::string& key, Mono now) {
  const std::lock_guard lock(mutex_);
  return until_one(bucket(key, now));
}

void TokenBuckets::charge(const std::string& key, Mono now) {
  const std::lock_guard lock(mutex_);
  bucket(key, now).tokens -= 1;
}

std::string network_of(const std::string& address) {
  constexpr std::string_view kMapped = "::ffff:";  // an IPv4 address at an IPv6 socket
  if (address.starts_with(kMapped) && address.find('.') != std::string::npos) return address.substr(kMapped.size());
  std::array<std::uint8_t, 16> bytes{};
  if (::inet_pton(AF_INET6, address.c_str(), bytes.data()) != 1) return address;
  return to_hex({bytes.data(), 8});
}

}  // namespace reload::certs
