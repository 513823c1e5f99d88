#include "reload/io/config_refresher.hpp"

#include <algorithm>

#include "reload/base/limits.hpp"
#include "reload/io/system_clock.hpp"
#include "reload/io/system_rng.hpp"

namespace reload::io {

struct ConfigRefresher::Work {
  uv_work_t request{};
  ConfigRefresher* refresher = nullptr;  // nothing when that is gone
  ConfigSource source;
  std::atomic<bool> cancelled = false;
  Result<Bytes> document;
};

ConfigRefresher::ConfigRefresher(uv_loop_t* loop, ConfigSource source, Rng& rng,
                                 std::function<void(Result<Bytes>)> fetched)
    : loop_(loop), source_(std::move(source)), rng_(rng), fetched_(std::move(fetched)), timer_(new uv_timer_t) {
  uv_timer_init(loop_, timer_);
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
  due_.reset();
  if (expiration) {
    const Wall now = system_now().wall;
    due_ = now + config::wait_before_fetch(*expiration, now, again, rng_);
  }
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
  due_.reset();
  if (work_ != nullptr) return;
  work_ = new Work{.source = source_};
  work_->request.data = work_;
  work_->refresher = this;
  uv_queue_work(
      loop_, &work_->request,
      [](uv_work_t* request) {
        auto* work = static_cast<Work*>(request->data);
        SystemRng rng;
        work->document = work->source.fetch(rng, work->cancelled, {});
      },
      [](uv_work_t* request, int) {
        const std::unique_ptr<Work> work(static_cast<Work*>(request->data));
        ConfigRefresher* self = work->refresher;
        if (self == nullptr) return;
        self->work_ = nullptr;
        self->fetched_(std::move(work->document));
      });
}

}  // namespace reload::io
