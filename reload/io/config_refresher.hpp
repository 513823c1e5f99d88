// Fetches the configuration document again before it expires (6940 11.1), on a thread of libuv's, so that the loop goes
// on meanwhile.
#pragma once

#include <uv.h>

#include "reload/io/config_source.hpp"

namespace reload::io {

class ConfigRefresher {
 public:
  // `fetched` runs on the loop's thread with the document as it came, unchecked.
  ConfigRefresher(uv_loop_t* loop, ConfigSource source, Rng& rng, std::function<void(Result<Bytes>)> fetched);
  ~ConfigRefresher();
  ConfigRefresher(const ConfigRefresher&) = delete;
  ConfigRefresher& operator=(const ConfigRefresher&) = delete;

  // Plans the next fetch for a document in force with this expiration; none: no more fetches. `again`: the last fetch
  // brought nothing new.
  void plan(std::optional<Wall> expiration, bool again);

 private:
  struct Work;
  void arm();
  void fetch();

  uv_loop_t* loop_;
  ConfigSource source_;
  Rng& rng_;
  std::function<void(Result<Bytes>)> fetched_;
  uv_timer_t* timer_;
  std::optional<Wall> due_;
  Work* work_ = nullptr;  // the fetch under way
};

}  // namespace reload::io
