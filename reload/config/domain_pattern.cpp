#include "reload/config/domain_pattern.hpp"

#include <regex.h>

#include <array>

#include "reload/base/limits.hpp"

namespace reload::config {

struct DomainPattern::Compiled {
  Compiled() = default;
  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;
  ~Compiled() {
    if (ready) regfree(&expression);
  }
  regex_t expression{};
  bool ready = false;
};

Result<DomainPattern> DomainPattern::compile(std::string text) {
  if (text.empty()) return failure("a domain pattern is empty");
  if (text.size() > limits::kMaxDomainPattern || text.find('\0') != std::string::npos)
    return failure("a domain pattern is longer than " + std::to_string(limits::kMaxDomainPattern) +
                   " characters or holds a zero byte");
  auto compiled = std::make_shared<Compiled>();
  // The brackets keep an alternation together: ^a|b$ would match more than whole domains. The pattern is first compiled
  // alone, because ")(" is a fault of its own that brackets would hide.
  regex_t alone{};
  int code = regcomp(&alone, text.c_str(), REG_EXTENDED | REG_ICASE | REG_NOSUB);
  if (code == 0) {
    regfree(&alone);
    code = regcomp(&compiled->expression, ("^(" + text + ")$").c_str(), REG_EXTENDED | REG_ICASE | REG_NOSUB);
    compiled->ready = code == 0;
  }
  if (code != 0) {
    std::array<char, 128> reason{};
    regerror(code, nullptr, reason.data(), reason.size());
    return failure("domain pattern \"" + text + "\" is no POSIX extended regular expression: " + reason.data());
  }
  return DomainPattern(std::move(text), std::move(compiled));
}

bool DomainPattern::matches(std::string_view domain) const {
  if (domain.empty() || domain.size() > limits::kMaxDomainName || domain.find('\0') != std::string_view::npos)
    return false;
  return regexec(&compiled_->expression, std::string(domain).c_str(), 0, nullptr, 0) == 0;
}

}  // namespace reload::config
