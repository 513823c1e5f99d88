// One piece of work at a time on a thread of libuv's, so that the loop goes on meanwhile.
#pragma once

#include <uv.h>

#include <atomic>
#include <functional>

namespace reload::io {

class Background {
 public:
  explicit Background(uv_loop_t* loop) : loop_(loop) {}
  // Tells what runs to end; its `done` is not called any more.
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  [[nodiscard]] bool busy() const { return job_ != nullptr; }
  // Precondition: not busy. `work` runs on another thread and owns all it uses, as it may outlive this object; `done`
  // runs on the loop's thread after it.
  void run(std::function<void(const std::atomic<bool>& cancelled)> work, std::function<void()> done);

 private:
  struct Job;
  uv_loop_t* loop_;
  Job* job_ = nullptr;
};

}  // namespace reload::io
