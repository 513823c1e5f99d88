// The overlay as the files of its directory say now: they are read again when they have changed, so that the server
// follows a new configuration or authority without a restart.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <mutex>

#include "certs/overlay_dir.hpp"

namespace reload::certs {

struct OverlayState {
  std::string document;
  std::string etag;  // with its quotes
  config::ConfigPtr config;
  Authority authority;
};
using OverlayStatePtr = std::shared_ptr<const OverlayState>;

class ServedOverlay {
 public:
  using Warn = std::function<void(const std::string&)>;
  static Result<std::unique_ptr<ServedOverlay>> open(OverlayDir dir, Warn warn);

  // The newest state that could be read. Safe to call from several threads.
  [[nodiscard]] OverlayStatePtr now();
  [[nodiscard]] const OverlayDir& dir() const { return dir_; }

 private:
  struct Stamp {
    std::uint64_t inode = 0;
    std::int64_t size = -1;
    std::int64_t changed_ns = 0;  // also in its owner or mode: what could not be read may be readable now
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };
  using Stamps = std::array<Stamp, 3>;

  ServedOverlay(OverlayDir dir, Warn warn) : dir_(std::move(dir)), warn_(std::move(warn)) {}
  [[nodiscard]] Stamps stamps() const;
  [[nodiscard]] Result<OverlayStatePtr> read() const;

  OverlayDir dir_;
  Warn warn_;
  std::mutex mutex_;
  Stamps stamps_;
  OverlayStatePtr state_;
};

}  // namespace reload::certs
