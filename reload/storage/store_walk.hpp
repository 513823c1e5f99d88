// One walk through the store for one purpose, in pieces and as fast as copies are taken: the last one dealt with is all
// the state, so a store of any size is copied without a queue.
#pragma once

#include <algorithm>
#include <utility>

#include "reload/base/limits.hpp"
#include "reload/storage/value_store.hpp"

namespace reload::storage {

class StoreWalk {
 public:
  // Nothing is looked at before `not_before`.
  explicit StoreWalk(Mono not_before = {}) : not_before_(not_before) {}

  // When to go on; nothing when it has ended, or waits for copies under way.
  [[nodiscard]] std::optional<Mono> due() const { return due_; }
  [[nodiscard]] unsigned pass() const { return pass_; }  // those that reached the end
  [[nodiscard]] bool failed_too_often() const { return failures_ >= limits::kCopyFailuresInPass; }

  // From the start, or once more from the start if it is on its way: no restart keeps it from reaching the end.
  void restart(Mono when) {
    retry_ = limits::kCopyRetryFirst;
    pass_ = 0;
    if (!walking_) begin(when);
    again_ = again_ || last_.has_value();
    if (!due_ || when < *due_) due_ = std::max(when, not_before_);
  }
  // A copy failed: what is missing is tried again in a later pass; after too many failures this one pauses.
  void failed(Mono now) {
    ++failures_;
    if (!walking_) begin(now + retry_);
  }
  // Copies arrived: room for more.
  void wake(Mono now) {
    if (walking_ && !due_) due_ = now;
  }

  // Shows `visit` what comes next until it returns false (no room), a piece is done, or the end is reached.
  template <class Visit>
  void advance(const ValueStore& store, Mono now, Visit&& visit) {
    if (!due_ || *due_ > now) return;
    due_.reset();
    if (failed_too_often()) return pause(now);
    // Few at a time, as often there is room for one more copy only.
    constexpr std::size_t kFew = 16;
    for (std::size_t seen = 0; seen < limits::kStoreWalkPiece; seen += kFew) {
      const std::vector<KindAt> few = store.kinds_after(last_, kFew);
      for (const KindAt& at : few) {
        if (!visit(at)) return;
        last_ = at;
      }
      if (few.size() < kFew) return end_pass(now);
    }
    due_ = now;
  }

 private:
  void begin(Mono when) {
    walking_ = true;
    last_.reset();
    due_ = std::max(when, not_before_);
  }
  void pause(Mono now) {
    failures_ = 0;
    missed_ = true;
    due_ = now + retry_;
    retry_ = std::min(2 * retry_, limits::kCopyRetryMost);
  }
  void end_pass(Mono now) {
    ++pass_;
    walking_ = false;
    const bool missed = std::exchange(missed_, false) || failures_ > 0;
    failures_ = 0;
    if (std::exchange(again_, false)) return begin(now);
    if (!missed) return;
    begin(now + retry_);
    retry_ = std::min(2 * retry_, limits::kCopyRetryMost);
  }

  Mono not_before_;
  std::optional<KindAt> last_;  // the last one dealt with
  std::optional<Mono> due_;
  bool walking_ = false;
  bool again_ = false;
  bool missed_ = false;
  std::size_t failures_ = 0;
  unsigned pass_ = 0;
  Duration retry_ = limits::kCopyRetryFirst;
};

}  // namespace reload::storage
