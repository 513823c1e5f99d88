#include "reload/io/file_watch.hpp"

namespace reload::io {

FileWatch::FileWatch(uv_loop_t* loop, const std::string& path, Duration interval, std::function<void()> changed)
    : changed_(std::move(changed)),
      interval_ms_(static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::milliseconds>(interval).count())),
      poll_(new uv_fs_poll_t),
      settle_(new uv_timer_t) {
  uv_fs_poll_init(loop, poll_);
  uv_timer_init(loop, settle_);
  poll_->data = settle_->data = this;
  // A file that is missing is looked for all the same.
  uv_fs_poll_start(
      poll_,
      [](uv_fs_poll_t* poll, int status, const uv_stat_t*, const uv_stat_t*) {
        auto* self = static_cast<FileWatch*>(poll->data);
        if (status != 0) return;
        uv_timer_start(
            self->settle_, [](uv_timer_t* timer) { static_cast<FileWatch*>(timer->data)->changed_(); },
            self->interval_ms_, 0);
      },
      path.c_str(), static_cast<unsigned>(interval_ms_));
}

FileWatch::~FileWatch() {
  uv_close(reinterpret_cast<uv_handle_t*>(poll_),
           [](uv_handle_t* closed) { delete reinterpret_cast<uv_fs_poll_t*>(closed); });
  uv_close(reinterpret_cast<uv_handle_t*>(settle_),
           [](uv_handle_t* closed) { delete reinterpret_cast<uv_timer_t*>(closed); });
}

}  // namespace reload::io
