#include "certs/account_journal.hpp"

#include <fcntl.h>
#include <openssl/sha.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "reload/base/bytes.hpp"

namespace reload::certs {
namespace {

constexpr std::size_t kChecksumBytes = 8;  // of SHA-256; 16 digits
constexpr std::size_t kChecksumDigits = 2 * kChecksumBytes;
constexpr std::size_t kMaxLineBytes = kChecksumDigits + 1 + kMaxRecordBytes;
constexpr std::size_t kReadBytes = std::size_t{1} << 20;
// The first line says what the file is. A later form of it gets another number.
constexpr std::string_view kFirstRecord = R"({"journal":"reload accounts","version":1})";

std::string checksum(std::string_view record) {
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest{};
  SHA256(as_bytes(record).data(), record.size(), digest.data());
  return to_hex({digest.data(), kChecksumBytes});
}

bool write_at(int descriptor, std::string_view text, off_t offset) {
  while (!text.empty()) {
    const ssize_t written = ::pwrite(descriptor, text.data(), text.size(), offset);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
    offset += written;
  }
  return true;
}

}  // namespace

std::string journal_line(std::string_view record) { return checksum(record) + " " + std::string(record) + "\n"; }

std::optional<std::string_view> record_of_line(std::string_view line) {
  if (line.size() <= kChecksumDigits || line[kChecksumDigits] != ' ') return std::nullopt;
  const std::string_view record = line.substr(kChecksumDigits + 1);
  if (line.substr(0, kChecksumDigits) != checksum(record)) return std::nullopt;
  return record;
}

AccountJournal::AccountJournal(Path path, Path lock_path) : path_(std::move(path)), lock_path_(std::move(lock_path)) {}

AccountJournal::~AccountJournal() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

tl::unexpected<Failure> AccountJournal::failed(const std::string& what) const {
  return failure("cannot " + what + " " + path_.string() + ": " + std::strerror(errno));
}

tl::unexpected<Failure> AccountJournal::damaged(const std::string& how) const {
  return failure(path_.string() + ", line " + std::to_string(lines_ + 1) + " " + how +
                 ": restore the file from a backup; nothing is read past this line");
}

// Leaves the descriptor at the file that has the name now; none if there is no such file.
Result<void> AccountJournal::open_newest(JournalReader& reader) {
  struct stat named {};
  const bool there = ::stat(path_.c_str(), &named) == 0;
  if (!there && errno != ENOENT) return failed("look at");
  if (there && descriptor_ >= 0 && named.st_ino == inode_ && named.st_size >= read_) return {};
  if (!there && descriptor_ < 0) return {};
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  read_ = 0;
  lines_ = 0;
  reader.reset();
  if (!there) return {};
  descriptor_ = ::open(path_.c_str(), O_RDWR | O_CLOEXEC);
  if (descriptor_ < 0 || ::fstat(descriptor_, &named) != 0) return failed("open");
  inode_ = named.st_ino;
  return {};
}

Result<void> AccountJournal::read_lines(JournalReader& reader) {
  std::string text;
  off_t end = read_;
  while (true) {
    const std::size_t held = text.size();
    text.resize(held + kReadBytes);
    const ssize_t count = ::pread(descriptor_, text.data() + held, kReadBytes, end);
    text.resize(held + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed("read");
    end += count;
    std::size_t at = 0;
    for (std::size_t stop; (stop = text.find('\n', at)) != std::string::npos; at = stop + 1) {
      const auto record = record_of_line(std::string_view(text).substr(at, stop - at));
      if (!record) return damaged("is not what was written there (its checksum is wrong)");
      if (lines_ == 0 && *record != kFirstRecord) return damaged("does not say that this is a journal of accounts");
      if (lines_ > 0) {
        if (auto applied = reader.apply(*record); !applied) return damaged(applied.error().text);
      }
      ++lines_;
      read_ += static_cast<off_t>(stop + 1 - at);
    }
    text.erase(0, at);
    // An unfinished line is shorter than this, or no line of ours.
    if (text.size() > kMaxLineBytes) return damaged("has no end");
    if (count == 0) break;
  }
  // Of a line that was being written the end is missing; here only the line's end was altered.
  if (!text.empty() && record_of_line(std::string_view(text).substr(0, text.size() - 1)))
    return damaged("is not what was written there (its end is altered)");
  return {};
}

Result<void> AccountJournal::refresh(JournalReader& reader) {
  if (auto opened = open_newest(reader); !opened) return opened;
  if (descriptor_ < 0) return {};
  struct stat now {};
  if (::fstat(descriptor_, &now) != 0) return failed("look at");
  if (now.st_size == read_) return {};
  return read_lines(reader);
}

Result<void> AccountJournal::append(const FileLock&, std::string_view record) {
  if (record.size() > kMaxRecordBytes) return failure("a record of an account would be too long for " + path_.string());
  if (descriptor_ < 0) {
    descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kPrivateMode);
    struct stat made {};
    if (descriptor_ < 0 || ::fstat(descriptor_, &made) != 0) return failed("make");
    inode_ = made.st_ino;
  }
  // Behind the last whole line may be an unfinished one, of a process that was killed.
  if (::ftruncate(descriptor_, read_) != 0) return failed("shorten");
  const std::string text = (read_ == 0 ? journal_line(kFirstRecord) : "") + journal_line(record);
  if (!write_at(descriptor_, text, read_) || ::fsync(descriptor_) != 0) {
    const auto why = failed("write");
    (void)!::ftruncate(descriptor_, read_);  // else the next one cuts it
    return why;
  }
  if (read_ == 0 && !sync_directory_of(path_)) return failed("sync the directory of");
  return {};
}

Result<void> AccountJournal::replace(const FileLock&, const std::function<Result<void>(const Give&)>& records) {
  auto file = NewFile::create(path_, kPrivateMode, Existing::replace);
  if (!file) return tl::unexpected(file.error());
  std::string text = journal_line(kFirstRecord);
  const auto give = [&](std::string_view record) -> Result<void> {
    text += journal_line(record);
    if (text.size() < kReadBytes) return {};
    auto written = file->write(text);
    text.clear();
    return written;
  };
  if (auto given = records(give); !given) return given;
  if (auto written = file->write(text); !written) return written;
  return file->commit();
}

}  // namespace reload::certs
