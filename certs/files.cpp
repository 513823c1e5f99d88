#include "certs/files.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace reload::certs {
namespace {

std::string cause(int error) { return std::strerror(error); }

std::string cure(int error, const Path& path) {
  const std::string directory = path.has_parent_path() ? path.parent_path().string() : ".";
  switch (error) {
    case EACCES:
    case EPERM:
    case EROFS:
      return " (you need the right to write in " + directory + ")";
    case ENOENT:
      return " (make the directory " + directory + " first)";
    case ENOSPC:
      return " (free some space and run the command again)";
    default:
      return "";
  }
}

bool write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

// Where the next line begins; none if the file cannot be read.
std::optional<off_t> end_of_last_line(int descriptor) {
  std::array<char, 4096> part{};
  off_t end = ::lseek(descriptor, 0, SEEK_END);
  while (end > 0) {
    const off_t begin = std::max<off_t>(0, end - static_cast<off_t>(part.size()));
    const ssize_t count = ::pread(descriptor, part.data(), static_cast<std::size_t>(end - begin), begin);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return std::nullopt;
    const std::size_t found = std::string_view(part.data(), static_cast<std::size_t>(count)).rfind('\n');
    if (found != std::string_view::npos) return begin + static_cast<off_t>(found) + 1;
    end = begin;
  }
  return end < 0 ? std::nullopt : std::optional(end);
}

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  [[nodiscard]] int get() const { return value_; }

 private:
  int value_;
};

std::string already_there(const Path& path) {
  return path.string() + " exists already and is not overwritten: choose another name, or move it away first";
}

}  // namespace

NewFile::NewFile(Path path, Path temporary, int descriptor, Existing existing)
    : path_(std::move(path)), temporary_(std::move(temporary)), descriptor_(descriptor), existing_(existing) {}

NewFile::NewFile(NewFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::move(other.temporary_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      existing_(other.existing_) {}

NewFile::~NewFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

tl::unexpected<Failure> NewFile::failed(const std::string& what) const {
  const int error = errno;
  return failure("cannot " + what + " " + path_.string() + ": " + cause(error) + cure(error, path_));
}

Result<NewFile> NewFile::create(const Path& path, mode_t mode, Existing existing) {
  struct stat status {};
  const bool there = ::lstat(path.c_str(), &status) == 0;
  if (there && existing == Existing::refuse) return failure(already_there(path));
  if (there && !S_ISREG(status.st_mode)) return failure(path.string() + " is no regular file: choose another name");
  std::string temporary = path.string() + ".XXXXXX";
  const int descriptor = ::mkostemp(temporary.data(), O_CLOEXEC);  // made with mode 0600
  NewFile file(path, temporary, descriptor, existing);
  if (descriptor < 0) return file.failed("create");
  if (::fchmod(descriptor, mode) != 0) return file.failed("set the mode of");
  // What root replaces stays readable for the server, which runs as the directory's owner.
  if (there && ::geteuid() == 0 && ::fchown(descriptor, status.st_uid, status.st_gid) != 0)
    return file.failed("set the owner of");
  return file;
}

Result<void> NewFile::write(std::string_view text) {
  if (!write_all(descriptor_, text)) return failed("write");
  return {};
}

Result<void> NewFile::commit() {
  if (::fsync(descriptor_) != 0) return failed("write");
  const unsigned flags = existing_ == Existing::refuse ? RENAME_NOREPLACE : 0;
  if (::renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, path_.c_str(), flags) != 0) {
    if (errno == EEXIST) return failure(already_there(path_));
    // File systems that know no flags: the name was free when this file was begun.
    if (errno != EINVAL || ::rename(temporary_.c_str(), path_.c_str()) != 0) return failed("rename to");
  }
  ::close(std::exchange(descriptor_, -1));
  if (!sync_directory_of(path_)) return failed("sync the directory of");
  return {};
}

Result<FileLock> FileLock::take(const Path& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kPrivateMode);
  if (descriptor < 0) return failure("cannot open " + path.string() + ": " + cause(errno));
  FileLock lock(descriptor);
  while (::flock(descriptor, LOCK_EX) != 0) {
    if (errno != EINTR) return failure("cannot lock " + path.string() + ": " + cause(errno));
  }
  return lock;
}

FileLock::FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

FileLock::~FileLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<void> write_file(const Path& path, mode_t mode, Existing existing, std::string_view text) {
  auto file = NewFile::create(path, mode, existing);
  if (!file) return tl::unexpected(file.error());
  if (auto written = file->write(text); !written) return written;
  return file->commit();
}

Result<void> append_lines(const Path& path, mode_t mode, std::string_view text) {
  const auto failed = [&] {
    const int error = errno;
    return failure("cannot append to " + path.string() + ": " + cause(error) + cure(error, path));
  };
  const Descriptor file(::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, mode));
  if (file.get() < 0 || ::flock(file.get(), LOCK_EX) != 0) return failed();
  // The next line would be lost behind an unfinished one, which a process that was killed has left.
  const auto end = end_of_last_line(file.get());
  if (!end || ::ftruncate(file.get(), *end) != 0) return failed();
  if (!write_all(file.get(), text) || ::fsync(file.get()) != 0) {
    const auto why = failed();
    (void)!::ftruncate(file.get(), *end);  // else the next one cuts it
    return why;
  }
  return {};
}

bool sync_directory_of(const Path& path) {
  const Path directory = path.has_parent_path() ? path.parent_path() : Path(".");
  const int descriptor = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return false;
  const bool synced = ::fsync(descriptor) == 0 || errno == EINVAL;  // some file systems cannot
  ::close(descriptor);
  return synced;
}

bool file_exists(const Path& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0;
}

Result<std::string> read_file(const Path& path) {
  const auto failed = [&] {
    const int error = errno;
    return failure("cannot read " + path.string() + ": " + cause(error));
  };
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return failed();
  std::string text;
  std::array<char, 65536> part{};
  while (true) {
    const ssize_t count = ::read(file.get(), part.data(), part.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed();
    if (count == 0) return text;
    text.append(part.data(), static_cast<std::size_t>(count));
    if (text.size() > kMaxFileBytes)
      return failure(path.string() + " is larger than 1 GiB: it is no file of this tool");
  }
}

}  // namespace reload::certs
