// RFC 3261 16.7: which answer goes upstream when a request was sent to several targets.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace reload::sip {

class Fork {
 public:
  // A new branch, without an answer; its number.
  std::size_t add();
  // The branch's final answer. Answers after the first are ignored, as a 2xx already went upstream.
  void finish(std::size_t branch, int status);

  [[nodiscard]] std::size_t size() const { return finals_.size(); }
  [[nodiscard]] bool pending(std::size_t branch) const { return finals_[branch] == 0; }
  [[nodiscard]] bool all_finished() const;
  // Steps 5 and 6: a 6xx wins, then the lowest class; within 4xx what makes the caller try again better, and last what
  // only says that nobody was there. Nothing while there is no final answer.
  [[nodiscard]] std::optional<std::size_t> best() const;

 private:
  std::vector<int> finals_;  // 0: none yet
};

}  // namespace reload::sip
