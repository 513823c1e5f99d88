#include "reload/io/config_refresher.hpp"

#include <algorithm>

#include "reload/base/limits.hpp"
#include "reload/io/system_clock.hpp"
#include "reload/io/system_rng.hpp"

namespace reload::io {

namespace {

constexpr Duration kWatchInterval = 500ms;

}  // namespace

ConfigRefresher::ConfigRefresher(uv_loop_t* loop, ConfigSource source, Duration poll, Rng& rng,
                                 std::function<void(Result<Bytes>)> fetched)
    : loop_(loop),
      source_(std::move(source)),
      poll_(poll),
      rng_(rng),
      fetched_(std::move(fetched)),
      timer_(loop),
      background_(loop) {}

void ConfigRefresher::plan(std::optional<Wall> expiration, bool again) {
  const Wall now = system_now().wall;
  expiration_ = expiration;
  due_.reset();
  if (expiration) due_ = now + config::wait_before_fetch(*expiration, now, again, rng_);
  const bool is_file = !source_.file().empty();
  if (is_file && watch_ == nullptr)
    watch_ = std::make_unique<FileWatch>(loop_, source_.file(), kWatchInterval, [this] { fetch(); });
  if (!is_file && poll_ > Duration::zero()) {
    // Not all members at once.
    const Duration half = poll_ / 2;
    const Wall poll =
        now + half +
        Duration(static_cast<Duration::rep>(rng_.below(static_cast<std::uint64_t>((poll_ - half).count() + 1))));
    if (!due_ || poll < *due_) due_ = poll;
  }
  arm();
}

void ConfigRefresher::fetch_soon() {
  if (background_.busy()) return;
  const Wall now = system_now().wall;
  const Wall at = last_fetch_ ? std::max(now, *last_fetch_ + limits::kConfigFetchPause) : now;
  if (due_ && *due_ <= at) return;
  tag_.clear();
  due_ = at;
  arm();
}

void ConfigRefresher::arm() {
  if (!due_) return timer_.stop();
  timer_.start(std::min(*due_ - system_now().wall, limits::kConfigFetchCheck), [this] {
    if (system_now().wall < *due_) return arm();
    fetch();
  });
}

void ConfigRefresher::fetch() {
  if (background_.busy()) {
    changed_ = true;
    return;
  }
  due_.reset();
  timer_.stop();
  last_fetch_ = system_now().wall;
  auto body = std::make_shared<Result<HttpsBody>>();
  background_.run(
      [body, source = source_, tag = tag_](const std::atomic<bool>& cancelled) {
        SystemRng rng;
        *body = source.fetch(tag, rng, cancelled, {});
      },
      [this, body] { done(std::move(*body)); });
}

void ConfigRefresher::done(Result<HttpsBody> body) {
  if (std::exchange(changed_, false)) fetch();
  if (body && body->unchanged) return plan(expiration_, true);
  if (!body) return fetched_(tl::unexpected(body.error()));
  tag_ = std::move(body->tag);
  fetched_(std::move(body->bytes));
}

}  // namespace reload::io
