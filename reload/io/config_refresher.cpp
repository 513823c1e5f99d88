#include "reload/io/config_refresher.hpp"

#include <algorithm>

#include "reload/base/limits.hpp"
#include "reload/io/system_clock.hpp"
#include "reload/io/system_rng.hpp"

namespace reload::io {

namespace {

constexpr Duration kWatchInterval = 500ms;

}  // namespace

struct ConfigRefresher::Work {
  uv_work_t request{};
  ConfigRefresher* refresher = nullptr;  // nothing when that is gone
  ConfigSource source;
  std::string tag;
  std::atomic<bool> cancelled = false;
  Result<HttpsBody> body;
};

ConfigRefresher::ConfigRefresher(uv_loop_t* loop, ConfigSource source, Duration poll, Rng& rng,
                                 std::function<void(Result<Bytes>)> fetched)
    : loop_(loop),
      source_(std::move(source)),
      poll_(poll),
      rng_(rng),
      fetched_(std::move(fetched)),
      timer_(new uv_timer_t) {
  uv_timer_init(loop, timer_);
  timer_->data = this;
}

ConfigRefresher::~ConfigRefresher() {
  if (work_ != nullptr) {
    work_->refresher = nullptr;
    work_->cancelled = true;
  }
  uv_close(reinterpret_cast<uv_handle_t*>(timer_),
           [](uv_handle_t* closed) { delete reinterpret_cast<uv_timer_t*>(closed); });
}

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
  if (work_ != nullptr) return;
  const Wall now = system_now().wall;
  const Wall at = last_fetch_ ? std::max(now, *last_fetch_ + limits::kConfigFetchPause) : now;
  if (due_ && *due_ <= at) return;
  tag_.clear();
  due_ = at;
  arm();
}

void ConfigRefresher::arm() {
  if (!due_) {
    uv_timer_stop(timer_);
    return;
  }
  const Duration wait = std::clamp(*due_ - system_now().wall, Duration::zero(), limits::kConfigFetchCheck);
  uv_timer_start(
      timer_,
      [](uv_timer_t* timer) {
        auto* self = static_cast<ConfigRefresher*>(timer->data);
        if (system_now().wall < *self->due_) return self->arm();
        self->fetch();
      },
      static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::milliseconds>(wait).count()), 0);
}

void ConfigRefresher::fetch() {
  if (work_ != nullptr) {
    changed_ = true;
    return;
  }
  due_.reset();
  last_fetch_ = system_now().wall;
  work_ = new Work{.source = source_, .tag = tag_};
  work_->request.data = work_;
  work_->refresher = this;
  uv_queue_work(
      loop_, &work_->request,
      [](uv_work_t* request) {
        auto* work = static_cast<Work*>(request->data);
        SystemRng rng;
        work->body = work->source.fetch(work->tag, rng, work->cancelled, {});
      },
      [](uv_work_t* request, int) {
        const std::unique_ptr<Work> work(static_cast<Work*>(request->data));
        if (work->refresher == nullptr) return;
        work->refresher->work_ = nullptr;
        work->refresher->done(std::move(work->body));
      });
}

void ConfigRefresher::done(Result<HttpsBody> body) {
  if (std::exchange(changed_, false)) fetch();
  if (body && body->unchanged) return plan(expiration_, true);
  if (!body) return fetched_(tl::unexpected(body.error()));
  tag_ = std::move(body->tag);
  fetched_(std::move(body->bytes));
}

}  // namespace reload::io
