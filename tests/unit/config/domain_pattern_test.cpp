#include "reload/config/domain_pattern.hpp"

#include <doctest/doctest.h>

#include "reload/base/limits.hpp"

using reload::config::DomainPattern;

namespace {

bool matches(const std::string& pattern, std::string_view domain) {
  const auto compiled = DomainPattern::compile(pattern);
  REQUIRE(compiled.has_value());
  return compiled->matches(domain);
}

}  // namespace

TEST_CASE("7904-3.4-4: a pattern is a POSIX extended regular expression over the whole domain, whatever its case") {
  CHECK(matches(R"(dht\.example\.com)", "dht.example.com"));
  CHECK(matches(R"(dht\.example\.com)", "DHT.Example.COM"));
  CHECK_FALSE(matches(R"(dht\.example\.com)", "xdht.example.com"));
  CHECK_FALSE(matches(R"(dht\.example\.com)", "dht.example.com.evil.org"));
  CHECK(matches(R"(.*\.my\.example)", "a.my.example"));
  CHECK_FALSE(matches(R"(.*\.my\.example)", "my.example"));
}

TEST_CASE("an alternation is matched as a whole") {
  CHECK(matches("a.example|b.example", "b.example"));
  CHECK_FALSE(matches("a.example|b.example", "evil.b.example"));
  CHECK_FALSE(matches("a.example|b.example", "a.example.evil"));
}

TEST_CASE("a broken pattern is refused with its text and the reason") {
  for (const char* broken : {"(", "a)(b", "[a", "a{2,1}"}) {
    const auto compiled = DomainPattern::compile(broken);
    REQUIRE_FALSE(compiled.has_value());
    CHECK(compiled.error().text.find(std::string("\"") + broken + "\"") != std::string::npos);
  }
  CHECK_FALSE(DomainPattern::compile("").has_value());
  CHECK_FALSE(DomainPattern::compile(std::string(reload::limits::kMaxDomainPattern + 1, 'a')).has_value());
}

TEST_CASE("what can't be a domain matches nothing") {
  CHECK_FALSE(matches(".*", ""));
  CHECK_FALSE(matches(".*", std::string(256, 'a')));
  CHECK_FALSE(matches("a", std::string_view("a\0b", 3)));
}
