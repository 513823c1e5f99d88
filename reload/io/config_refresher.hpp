// Brings the configuration document again: before it expires (6940 11.1), at intervals from a configuration server, and
// when its file was changed. On a thread of libuv's, so that the loop goes on meanwhile.
#pragma once

#include <memory>

#include "reload/io/background.hpp"
#include "reload/io/config_source.hpp"
#include "reload/io/file_watch.hpp"
#include "reload/io/uv_timer.hpp"

namespace reload::io {

class ConfigRefresher {
 public:
  // `fetched` runs on the loop's thread with the document as it came, unchecked. `poll`: how often to ask a server;
  // zero: never but before the expiration. Nothing is fetched before plan().
  ConfigRefresher(uv_loop_t* loop, ConfigSource source, Duration poll, Rng& rng,
                  std::function<void(Result<Bytes>)> fetched);

  // Plans the next fetch for a document in force with this expiration. `again`: the last fetch brought nothing new.
  void plan(std::optional<Wall> expiration, bool again);
  // There may be a document that only a fetch can bring. Not more often than every kConfigFetchPause.
  void fetch_soon();

 private:
  void arm();
  void fetch();
  void done(Result<HttpsBody> body);

  uv_loop_t* loop_;
  ConfigSource source_;
  Duration poll_;
  Rng& rng_;
  std::function<void(Result<Bytes>)> fetched_;
  UvTimer timer_;
  Background background_;             // a fetch
  std::unique_ptr<FileWatch> watch_;  // of a source that is a file, from the first plan on
  std::optional<Wall> expiration_;
  std::optional<Wall> due_;
  std::optional<Wall> last_fetch_;
  std::string tag_;       // of what was fetched last
  bool changed_ = false;  // the file, during a fetch
};

}  // namespace reload::io
