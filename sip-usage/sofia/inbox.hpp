// The one way into the SIP thread from outside: a queue and a file descriptor that its loop watches. Closing it drops
// what is queued and all that comes later, so that late results of the node find nobody and harm nobody.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "reload/base/result.hpp"

namespace reload::sip {

class Inbox {
 public:
  static Result<std::shared_ptr<Inbox>> create();
  ~Inbox();
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  // From any thread. `bytes` is what the task holds; see full().
  void post(std::function<void()> task, std::size_t bytes = 0);
  // True while more than kMaxInboxBytes are queued. Whoever posts bytes asks this first and closes its source.
  [[nodiscard]] bool full() const;

  // On the SIP thread.
  [[nodiscard]] int descriptor() const { return descriptor_; }
  void run();
  void close();

 private:
  explicit Inbox(int descriptor) : descriptor_(descriptor) {}

  struct Task {
    std::function<void()> run;
    std::size_t bytes = 0;
  };
  const int descriptor_;
  mutable std::mutex mutex_;
  std::vector<Task> tasks_;
  std::size_t bytes_ = 0;
  bool closed_ = false;
};

}  // namespace reload::sip
