// What the enrolment server has decided, a JSON object a line: audit.jsonl, and audit.jsonl.1 to .4 when it has grown.
#pragma once

#include <mutex>

#include "certs/files.hpp"

namespace reload::certs {

inline constexpr std::size_t kAuditBytes = std::size_t{64} << 20;  // a file; some 250,000 decisions
inline constexpr int kAuditFiles = 4;                              // of before

class AuditLog {
 public:
  explicit AuditLog(Path path, std::size_t max_bytes = kAuditBytes) : path_(std::move(path)), max_bytes_(max_bytes) {}
  AuditLog(const AuditLog&) = delete;
  AuditLog& operator=(const AuditLog&) = delete;
  ~AuditLog();

  // With its end of line. Safe to call from several threads.
  [[nodiscard]] Result<void> write(std::string_view line);

 private:
  Result<void> open();
  void rotate();

  Path path_;
  std::size_t max_bytes_;
  std::mutex mutex_;
  int descriptor_ = -1;
  std::size_t size_ = 0;
};

}  // namespace reload::certs
