#include "certs/audit_log.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace reload::certs {

AuditLog::~AuditLog() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<void> AuditLog::open() {
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, kPrivateMode);
  struct stat status {};
  if (descriptor_ < 0 || ::fstat(descriptor_, &status) != 0)
    return failure("cannot open " + path_.string() + ": " + std::strerror(errno) + " (choose another --audit)");
  size_ = static_cast<std::size_t>(status.st_size);
  return {};
}

void AuditLog::rotate() {
  ::close(std::exchange(descriptor_, -1));
  const auto older = [this](int age) { return age == 0 ? path_ : Path(path_.string() + "." + std::to_string(age)); };
  std::error_code ignored;  // what cannot be moved grows on
  for (int age = kAuditFiles - 1; age >= 0; --age) std::filesystem::rename(older(age), older(age + 1), ignored);
}

Result<void> AuditLog::write(std::string_view line) {
  const std::lock_guard lock(mutex_);
  if (descriptor_ >= 0 && size_ + line.size() > max_bytes_ && size_ > 0) rotate();
  if (descriptor_ < 0) {
    if (auto opened = open(); !opened) return opened;
  }
  // One write, so that a process that is killed leaves no half of a line.
  const ssize_t written = ::write(descriptor_, line.data(), line.size());
  if (written != static_cast<ssize_t>(line.size())) {
    const std::string why = written < 0 ? std::strerror(errno) : "the disk is full";
    // Else the next line would stand behind a half one.
    if (written > 0) (void)!::ftruncate(descriptor_, ::lseek(descriptor_, 0, SEEK_CUR) - written);
    return failure("cannot write " + path_.string() + ": " + why);
  }
  size_ += line.size();
  return {};
}

}  // namespace reload::certs
