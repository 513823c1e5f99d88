#include "sip-usage/rate_limiter.hpp"

#include <algorithm>

namespace reload::sip {

namespace {
constexpr std::int64_t kToken = 1'000'000;
}

RateLimiter::Bucket& RateLimiter::touch(const std::string& source, Mono now) {
  if (const auto at = by_source_.find(source); at != by_source_.end()) {
    buckets_.splice(buckets_.begin(), buckets_, at->second);
    return buckets_.front();
  }
  if (buckets_.size() == max_sources_) {
    by_source_.erase(buckets_.back().source);
    buckets_.pop_back();
  }
  buckets_.push_front({source, burst_ * kToken, now});
  by_source_.emplace(source, buckets_.begin());
  return buckets_.front();
}

RateLimiter::Verdict RateLimiter::take(const std::string& source, Mono now) {
  Bucket& bucket = touch(source, now);
  const std::int64_t full = burst_ * kToken;
  // Quiet for longer than filling takes makes no difference; the bound keeps the product small.
  const std::int64_t quiet = std::clamp<std::int64_t>((now - bucket.filled).count(), 0, 3'600'000'000);
  bucket.tokens = std::min(full, bucket.tokens + quiet * per_second_);
  bucket.filled = now;
  if (bucket.tokens >= kToken) {
    bucket.tokens -= kToken;
    return Verdict::pass;
  }
  // One more burst of refusals is answered; a source that is quiet becomes welcome again as fast as it filled up.
  if (bucket.tokens <= -full) return Verdict::flood;
  bucket.tokens -= kToken;
  return Verdict::over;
}

void RateLimiter::give_back(const std::string& source) {
  if (const auto at = by_source_.find(source); at != by_source_.end())
    at->second->tokens = std::min(burst_ * kToken, at->second->tokens + kToken);
}

}  // namespace reload::sip
