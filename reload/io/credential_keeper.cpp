#include "reload/io/credential_keeper.hpp"

#include "reload/base/limits.hpp"
#include "reload/io/system_clock.hpp"

namespace reload::io {

struct CredentialKeeper::Work {
  Enrolled result;
};

CredentialKeeper::CredentialKeeper(uv_loop_t* loop, CredentialSource source, Rng& rng, Events events)
    : source_(std::move(source)), rng_(rng), events_(std::move(events)), timer_(loop), background_(loop) {}

void CredentialKeeper::keep(security::CredentialPtr credential, const security::CredentialLife& life) {
  credential_ = std::move(credential);
  life_ = life;
  failures_ = 0;
  if (const auto time = std::exchange(again_within_, std::nullopt)) return renew_within(*time);
  const Wall soonest = system_now().wall + limits::kLeastRenewalPause;
  wait_until(std::max(security::renewal_time(life_, rng_), soonest));
}

void CredentialKeeper::renew_within(Duration time) {
  if (background_.busy()) {
    again_within_ = time;  // the renewal under way knows nothing of the reason
    return;
  }
  wait_until(system_now().wall +
             Duration(static_cast<std::int64_t>(rng_.below(static_cast<std::uint64_t>(time.count()) + 1))));
}

// The clock is looked at from time to time: it may be set, and a machine may sleep.
void CredentialKeeper::wait_until(Wall time) {
  const Duration wait = time - system_now().wall;
  timer_.start(std::min(wait, limits::kConfigFetchCheck), [this, time] {
    if (system_now().wall < time) return wait_until(time);
    renew();
  });
}

void CredentialKeeper::renew() {
  if (background_.busy()) return;
  again_within_.reset();
  auto work = std::make_shared<Work>();
  background_.run([work, source = source_, old = credential_, config = events_.config()](
                      const std::atomic<bool>& cancelled) { work->result = source.renew(old, config, cancelled, {}); },
                  [this, work] { on_done(*work); });
}

void CredentialKeeper::on_done(const Work& work) {
  const Wall now = system_now().wall;
  std::string why;
  std::optional<Duration> retry_after;
  if (work.result) {
    const auto taken = events_.renewed(*work.result);
    if (taken) return keep(*work.result, life_of(**work.result, now));
    why = taken.error().text;
  } else {
    why = work.result.error().text;
    retry_after = work.result.error().retry_after;
  }
  const Duration pause = security::renewal_pause(life_, ++failures_, retry_after, now, rng_);
  events_.failed(security::renewal_urgency(life_, now), why);
  wait_until(now + pause);
}

}  // namespace reload::io
