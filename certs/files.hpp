// Files as this tool reads and writes them: read whole with a bound; written beside the target, synced and renamed, so
// that a reader sees the old file or the complete new one and a crash leaves no half of a key.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "reload/base/result.hpp"

namespace reload::certs {

using Path = std::filesystem::path;

inline constexpr mode_t kPrivateMode = 0600;
inline constexpr mode_t kPublicMode = 0644;
inline constexpr std::size_t kMaxFileBytes = std::size_t{1} << 30;  // a million credentials of 1 KiB

enum class Existing { refuse, replace };

class NewFile {
 public:
  // With Existing::refuse a file of this name is a failure, here and at commit.
  static Result<NewFile> create(const Path& path, mode_t mode, Existing existing);
  NewFile(NewFile&& other) noexcept;
  NewFile& operator=(NewFile&&) = delete;
  ~NewFile();  // what was not committed is removed

  Result<void> write(std::string_view text);
  Result<void> commit();

 private:
  NewFile(Path path, Path temporary, int descriptor, Existing existing);
  [[nodiscard]] tl::unexpected<Failure> failed(const std::string& what) const;

  Path path_;
  Path temporary_;
  int descriptor_;
  Existing existing_;
};

// Held against other runs, which wait, until it goes.
class FileLock {
 public:
  static Result<FileLock> take(const Path& path);
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

[[nodiscard]] Result<void> write_file(const Path& path, mode_t mode, Existing existing, std::string_view text);
// Appends whole lines under a lock, so that two runs at once do not mix theirs; all of them, or none. A last line that
// has no end is cut off.
[[nodiscard]] Result<void> append_lines(const Path& path, mode_t mode, std::string_view text);
// A new name is durable when its directory is on the disk.
[[nodiscard]] bool sync_directory_of(const Path& path);
[[nodiscard]] bool file_exists(const Path& path);  // as far as we may see
[[nodiscard]] Result<std::string> read_file(const Path& path);

}  // namespace reload::certs
