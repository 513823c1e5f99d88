#include "reload/security/renewal.hpp"

#include <algorithm>

#include "reload/base/limits.hpp"

namespace reload::security {

namespace {

Duration up_to(Duration most, Rng& rng) {
  return Duration(
      static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(std::max<std::int64_t>(most.count(), 0)) + 1)));
}

Duration length(const CredentialLife& life) { return std::max(life.until - life.from, Duration::zero()); }

}  // namespace

Wall renewal_time(const CredentialLife& life, Rng& rng) {
  return life.from + length(life) * 2 / 3 + up_to(length(life) / 12, rng);
}

Duration renewal_pause(const CredentialLife& life, unsigned failures, std::optional<Duration> retry_after, Wall now,
                       Rng& rng) {
  constexpr unsigned kMostDoublings = 10;
  Duration pause = std::min(limits::kFirstRenewalPause, length(life) / 60);
  pause = std::min(pause * (1 << std::min(std::max(failures, 1u) - 1, kMostDoublings)), limits::kLastRenewalPause);
  if (now < life.until) pause = std::min(pause, (life.until - now) / 4);
  pause += up_to(pause / 4, rng);
  if (retry_after) pause = std::max(pause, std::min(*retry_after, limits::kLastRenewalPause));
  return std::max(pause, limits::kLeastRenewalPause);
}

bool is_of_older_root(const Credential& credential, const Trust& trust, const Crypto& crypto) {
  if (trust.roots().size() < 2) return false;
  const Certificate& newest = *trust.roots().back();
  const auto is_below = [&](const CertificatePtr& one) { return crypto.is_issued_by(*one, newest); };
  return !is_below(credential.certificate) && std::ranges::none_of(credential.intermediates, is_below);
}

Urgency renewal_urgency(const CredentialLife& life, Wall now) {
  if (now >= life.until) return Urgency::expired;
  return life.until - now < length(life) / 6 ? Urgency::high : Urgency::low;
}

}  // namespace reload::security
