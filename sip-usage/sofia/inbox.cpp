#include "sip-usage/sofia/inbox.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "sip-usage/limits.hpp"

namespace reload::sip {

Result<std::shared_ptr<Inbox>> Inbox::create() {
  const int descriptor = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (descriptor < 0) return failure(std::string("eventfd: ") + std::strerror(errno));
  return std::shared_ptr<Inbox>(new Inbox(descriptor));
}

Inbox::~Inbox() { ::close(descriptor_); }

void Inbox::post(std::function<void()> task, std::size_t bytes) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    bytes_ += bytes;
    tasks_.push_back({std::move(task), bytes});
    if (tasks_.size() > 1) return;  // the loop was woken by the first
  }
  eventfd_write(descriptor_, 1);
}

bool Inbox::full() const {
  const std::lock_guard lock(mutex_);
  return bytes_ > kMaxInboxBytes;
}

void Inbox::run() {
  eventfd_t count = 0;
  eventfd_read(descriptor_, &count);
  std::vector<Task> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(tasks_);
    bytes_ = 0;
  }
  for (const Task& task : tasks) task.run();
}

void Inbox::close() {
  std::vector<Task> tasks;
  const std::lock_guard lock(mutex_);
  closed_ = true;
  tasks.swap(tasks_);
}

}  // namespace reload::sip
