// RFC 7904 3.4: one pattern of a domain restriction, compiled once when the document is read.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "reload/base/result.hpp"

namespace reload::config {

// A POSIX extended regular expression that must match the whole domain, whatever the case (RFC 7904, trap T7).
class DomainPattern {
 public:
  static Result<DomainPattern> compile(std::string text);
  [[nodiscard]] bool matches(std::string_view domain) const;
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  struct Compiled;
  DomainPattern(std::string text, std::shared_ptr<const Compiled> compiled)
      : text_(std::move(text)), compiled_(std::move(compiled)) {}
  std::string text_;
  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace reload::config
