// A file of records that is only added to: one a line, behind a checksum. What append has written is on the disk when
// it returns. A process that is killed leaves whole lines and at most one unfinished last line, which is cut off; a
// line that was altered is never passed over, it is a failure that names it.
#pragma once

#include <sys/types.h>

#include <functional>

#include "certs/files.hpp"

namespace reload::certs {

inline constexpr std::size_t kMaxRecordBytes = 65536;

// What keeps the records' sense.
class JournalReader {
 public:
  virtual ~JournalReader() = default;
  virtual void reset() = 0;                                 // all records come again from the first
  virtual Result<void> apply(std::string_view record) = 0;  // refuses what cannot follow the records before
};

[[nodiscard]] std::string journal_line(std::string_view record);
// The record of a line without its end, if the checksum is right.
[[nodiscard]] std::optional<std::string_view> record_of_line(std::string_view line);

// One process's view of the file; several processes may have one each. Not for several threads at once.
class AccountJournal {
 public:
  AccountJournal(Path path, Path lock_path);
  AccountJournal(const AccountJournal&) = delete;
  AccountJournal& operator=(const AccountJournal&) = delete;
  ~AccountJournal();

  // On a file beside the journal, which is itself replaced when it is compacted.
  [[nodiscard]] Result<FileLock> lock() const { return FileLock::take(lock_path_); }
  // Hands on what came since the last time; everything when another file is in the place.
  [[nodiscard]] Result<void> refresh(JournalReader& reader);
  // The caller has refreshed under this lock.
  [[nodiscard]] Result<void> append(const FileLock& lock, std::string_view record);
  // Another file in the place, with these records. The view is not refreshed by it.
  using Give = std::function<Result<void>(std::string_view record)>;
  [[nodiscard]] Result<void> replace(const FileLock& lock, const std::function<Result<void>(const Give&)>& records);

  [[nodiscard]] std::size_t lines() const { return lines_; }

 private:
  Result<void> open_newest(JournalReader& reader);
  Result<void> read_lines(JournalReader& reader);
  [[nodiscard]] tl::unexpected<Failure> failed(const std::string& what) const;
  [[nodiscard]] tl::unexpected<Failure> damaged(const std::string& how) const;

  Path path_;
  Path lock_path_;
  int descriptor_ = -1;
  ino_t inode_ = 0;
  off_t read_ = 0;  // where the next line begins
  std::size_t lines_ = 0;
};

}  // namespace reload::certs
