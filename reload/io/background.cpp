#include "reload/io/background.hpp"

#include <memory>

#include "reload/base/check.hpp"

namespace reload::io {

struct Background::Job {
  uv_work_t request{};
  Background* owner = nullptr;  // nothing when that is gone
  std::atomic<bool> cancelled = false;
  std::function<void(const std::atomic<bool>&)> work;
  std::function<void()> done;
};

Background::~Background() {
  if (job_ == nullptr) return;
  job_->owner = nullptr;
  job_->cancelled = true;
}

void Background::run(std::function<void(const std::atomic<bool>&)> work, std::function<void()> done) {
  RELOAD_CHECK(job_ == nullptr);
  job_ = new Job;
  job_->request.data = job_;
  job_->owner = this;
  job_->work = std::move(work);
  job_->done = std::move(done);
  uv_queue_work(
      loop_, &job_->request,
      [](uv_work_t* request) {
        auto* job = static_cast<Job*>(request->data);
        job->work(job->cancelled);
      },
      [](uv_work_t* request, int) {
        const std::unique_ptr<Job> job(static_cast<Job*>(request->data));
        if (job->owner == nullptr) return;
        job->owner->job_ = nullptr;
        job->done();
      });
}

}  // namespace reload::io
