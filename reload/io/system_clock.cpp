#include "reload/io/system_clock.hpp"

namespace reload::io {

Now system_now() {
  const auto mono = std::chrono::steady_clock::now().time_since_epoch();
  const auto wall = std::chrono::system_clock::now().time_since_epoch();
  return {Mono(std::chrono::duration_cast<Duration>(mono)), Wall(std::chrono::duration_cast<Duration>(wall))};
}

}  // namespace reload::io
