// Tells when a file was changed or another took its place. It looks at the file, so it notices a rename over it and
// works on every file system.
#pragma once

#include <uv.h>

#include <functional>
#include <string>

#include "reload/base/time.hpp"

namespace reload::io {

class FileWatch {
 public:
  // `changed` runs on the loop's thread, once the file has been left alone for an interval.
  FileWatch(uv_loop_t* loop, const std::string& path, Duration interval, std::function<void()> changed);
  ~FileWatch();
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;

 private:
  std::function<void()> changed_;
  std::uint64_t interval_ms_;
  uv_fs_poll_t* poll_;
  uv_timer_t* settle_;  // runs while the file may still be written
};

}  // namespace reload::io
