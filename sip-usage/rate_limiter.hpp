// How often one source may ask for what costs us something: a token bucket for each source address, in a table of fixed
// size that forgets the source longest quiet.
#pragma once

#include <list>
#include <map>
#include <string>

#include "reload/base/time.hpp"

namespace reload::sip {

class RateLimiter {
 public:
  // over: the source should be told to wait. flood: it went on long after, and gets no answer at all.
  enum class Verdict : std::uint8_t { pass, over, flood };

  RateLimiter(std::uint32_t per_second, std::uint32_t burst, std::size_t max_sources)
      : per_second_(per_second), burst_(burst), max_sources_(max_sources) {}

  Verdict take(const std::string& source, Mono now);
  // What was taken was well spent: the source proved who it is.
  void give_back(const std::string& source);
  [[nodiscard]] std::size_t sources() const { return buckets_.size(); }

 private:
  struct Bucket {
    std::string source;
    std::int64_t tokens = 0;  // in millionths; below zero it counts how far the source is over
    Mono filled;
  };
  Bucket& touch(const std::string& source, Mono now);

  const std::int64_t per_second_;
  const std::int64_t burst_;
  const std::size_t max_sources_;
  std::list<Bucket> buckets_;  // last used first
  std::map<std::string, std::list<Bucket>::iterator> by_source_;
};

}  // namespace reload::sip
