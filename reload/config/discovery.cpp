#include "reload/config/discovery.hpp"

#include <algorithm>
#include <numeric>

#include "reload/base/limits.hpp"

namespace reload::config {

namespace {

Duration random_up_to(Duration most, Rng& rng) {
  return Duration(static_cast<Duration::rep>(rng.below(static_cast<std::uint64_t>(most.count()))));
}

// RFC 2782: a number up to the sum of weights picks one; weight 0 gets its small chance by the draw of 0.
std::size_t draw(std::span<const ServiceRecord> equals, Rng& rng) {
  const std::uint64_t sum =
      std::accumulate(equals.begin(), equals.end(), std::uint64_t{0},
                      [](std::uint64_t before, const ServiceRecord& record) { return before + record.weight; });
  std::uint64_t left = rng.below(sum + 1);
  for (std::size_t i = 0; i < equals.size(); ++i) {
    if (left <= equals[i].weight) return i;
    left -= equals[i].weight;
  }
  return equals.size() - 1;
}

}  // namespace

std::string service_name(std::string_view overlay) { return "_reload-config._tcp." + std::string(overlay); }

std::string well_known_url(std::string_view overlay) {
  return "https://" + std::string(overlay) + "/.well-known/reload-config";
}

std::vector<ServiceRecord> in_order(std::vector<ServiceRecord> records, Rng& rng) {
  std::erase_if(records, [](const ServiceRecord& record) { return record.target.empty() || record.target == "."; });
  // Within a priority those of weight 0 stand first, as RFC 2782 wants it for the draw.
  std::ranges::stable_sort(records, [](const ServiceRecord& a, const ServiceRecord& b) {
    return a.priority != b.priority ? a.priority < b.priority : a.weight == 0 && b.weight != 0;
  });
  for (auto next = records.begin(); next != records.end(); ++next) {
    const auto end = std::find_if(next, records.end(), [&](const auto& r) { return r.priority != next->priority; });
    const auto drawn = next + static_cast<std::ptrdiff_t>(draw({next, end}, rng));
    std::rotate(next, drawn, drawn + 1);
  }
  return records;
}

bool replaces(const OverlayConfig& fetched, const OverlayConfig& known) {
  return is_newer_sequence(fetched.sequence, known.sequence);
}

Duration wait_before_fetch(Wall expiration, Wall now, bool again, Rng& rng) {
  const Duration left = std::max(expiration - now, Duration::zero());
  const Duration wait = left / 2 + random_up_to(left - left / 2, rng);
  if (!again) return wait;
  return std::max(wait, limits::kConfigFetchPause + random_up_to(limits::kConfigFetchPause, rng));
}

}  // namespace reload::config
