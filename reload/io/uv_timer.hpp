// A timer of libuv's that ends with its owner.
#pragma once

#include <uv.h>

#include <algorithm>
#include <functional>

#include "reload/base/time.hpp"

namespace reload::io {

class UvTimer {
 public:
  explicit UvTimer(uv_loop_t* loop) : handle_(new Handle) {
    uv_timer_init(loop, &handle_->timer);
    handle_->timer.data = handle_;
  }
  ~UvTimer() {
    uv_close(reinterpret_cast<uv_handle_t*>(&handle_->timer),
             [](uv_handle_t* closed) { delete static_cast<Handle*>(closed->data); });
  }
  UvTimer(const UvTimer&) = delete;
  UvTimer& operator=(const UvTimer&) = delete;

  // Once, after `wait`; an earlier order of it is forgotten. The function may start it again.
  void start(Duration wait, std::function<void()> then) {
    handle_->then = std::move(then);
    uv_timer_start(
        &handle_->timer,
        [](uv_timer_t* timer) {
          const auto run = std::move(static_cast<Handle*>(timer->data)->then);
          run();
        },
        static_cast<std::uint64_t>(
            std::chrono::ceil<std::chrono::milliseconds>(std::max(wait, Duration::zero())).count()),
        0);
  }
  void stop() { uv_timer_stop(&handle_->timer); }

 private:
  struct Handle {
    uv_timer_t timer{};
    std::function<void()> then;
  };
  Handle* handle_;  // outlives this object until libuv has closed it
};

}  // namespace reload::io
