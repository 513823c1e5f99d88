// The configuration document on disk: the operator's file, and in the data directory the newest one that came by the
// overlay itself, and the Kinds that came by it without a document.
#pragma once

#include <sys/types.h>

#include <string>

#include "reload/config/overlay_config.hpp"
#include "reload/security/crypto.hpp"

namespace reload::io {

// The whole file, at most `limit` bytes. The failure names the file and the reason.
[[nodiscard]] Result<Bytes> read_file(const std::string& path, std::size_t limit);
// Written beside the target, synced and renamed: a reader sees the old file or the whole new one.
[[nodiscard]] Result<void> write_file(const std::string& path, ByteView bytes, mode_t mode = 0644);
// The same for a file that must not be there yet.
[[nodiscard]] Result<void> create_file(const std::string& path, ByteView bytes, mode_t mode);
// One of mode 0700, if there is none.
[[nodiscard]] Result<void> make_directory(const std::string& path);

// The configuration of `overlay` (the first one when that is empty) in a document, read and verified; the first
// document is trusted for its way (T59).
[[nodiscard]] Result<config::ConfigPtr> read_overlay_config(ByteView document, const std::string& overlay,
                                                            const security::Crypto& crypto, Wall now);
// That of the document at `path`, or of the one kept in `state_directory` if it is newer. An empty `state_directory`:
// nothing is kept.
[[nodiscard]] Result<config::ConfigPtr> load_overlay_config(const std::string& path, const std::string& overlay,
                                                            const std::string& state_directory,
                                                            const security::Crypto& crypto, Wall now);
[[nodiscard]] std::string kept_path(const std::string& state_directory);
[[nodiscard]] Result<config::ConfigPtr> kept_overlay_config(const std::string& state_directory,
                                                            const std::string& overlay, const security::Crypto& crypto,
                                                            Wall now);
// With the Kinds that were kept. What can't be read or is not vouched for any more is left out: the overlay sends it
// again.
[[nodiscard]] config::ConfigPtr with_kept_kinds(config::ConfigPtr config, const std::string& state_directory,
                                                const security::Crypto& crypto, Wall now);
// The document, and the Kinds that are not in it.
[[nodiscard]] Result<void> keep_overlay_config(const std::string& state_directory, const config::OverlayConfig& config);

}  // namespace reload::io
