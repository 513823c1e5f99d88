// Renews a node's own credential before it expires, while the node runs: a new key and its certificate are got on a
// thread of libuv's, and given to the node when they are good.
#pragma once

#include "reload/io/background.hpp"
#include "reload/io/credential_source.hpp"
#include "reload/io/uv_timer.hpp"

namespace reload::io {

class CredentialKeeper {
 public:
  struct Events {
    std::function<config::ConfigPtr()> config;  // the one in force
    std::function<Result<void>(const security::CredentialPtr&)> renewed;
    std::function<void(security::Urgency, const std::string&)> failed;
  };
  CredentialKeeper(uv_loop_t* loop, CredentialSource source, Rng& rng, Events events);

  // Plans the renewal of this one.
  void keep(security::CredentialPtr credential, const security::CredentialLife& life);
  // Renews it earlier than planned: within `time`, at random.
  void renew_within(Duration time);

 private:
  struct Work;
  void wait_until(Wall time);
  void renew();
  void on_done(const Work& work);

  CredentialSource source_;
  Rng& rng_;
  Events events_;
  UvTimer timer_;
  Background background_;
  security::CredentialPtr credential_;
  security::CredentialLife life_;
  unsigned failures_ = 0;
  std::optional<Duration> again_within_;  // asked for while a renewal was under way
};

}  // namespace reload::io
