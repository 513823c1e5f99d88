#include "sip-usage/aor.hpp"

#include <doctest/doctest.h>

namespace reload::sip {
namespace {

config::DomainRestriction restriction(bool enable, std::vector<std::string> patterns) {
  config::DomainRestriction out;
  out.enable = enable;
  for (std::string& pattern : patterns)
    out.patterns.push_back(config::DomainPattern::compile(std::move(pattern)).value());
  return out;
}

std::string name_of(std::string_view text) {
  const std::optional<Aor> aor = parse_aor(text);
  return aor ? aor->name : "external";
}

TEST_CASE("7904-2-1 7904-7-2: an address of record has no scheme, port, parameters or escapes") {
  for (const char* text : {"SIP:alice@DHT.example.com;transport=tls", "sips:alice@dht.example.com:5061",
                           "sip:%61lice@dht.example.com", "alice@dht.example.com", "sip:alice@dht.example.com.",
                           "sip:alice:secret@dht.example.com?subject=x", "SiPs:alice@DHT.EXAMPLE.COM."})
    CHECK(name_of(text) == "alice@dht.example.com");
  CHECK(name_of("sip:Alice@dht.example.com") == "Alice@dht.example.com");
}

TEST_CASE("7904-7-2: escapes are decoded exactly once") {
  CHECK(name_of("sip:a%2561@h") == "a%61@h");
  CHECK(name_of("sip:a%4@h") == "external");
  CHECK(name_of("sip:a%zz@h") == "external");
}

TEST_CASE("What is no SIP address of record is external") {
  for (const char* text :
       {"tel:+1234", "mailto:alice@dht.example.com", "alice", "sip:dht.example.com", "@dht.example.com",
        "sip:@dht.example.com", "alice@", "sip:alice@", "", "sip:", "sip:a%40b@h", "sip:a%00@h", "sip:a b@h",
        "sip:alice@exa mple", "sip:alice@a..b", "sip:alice@[::1"})
    CHECK_MESSAGE(name_of(text) == "external", text);
  CHECK(name_of("sip:" + std::string(2000, 'a') + "@h") == "external");
}

TEST_CASE("7904-2-2: the scheme is remembered, for it chooses the application id") {
  CHECK(parse_aor("sips:alice@h")->sips);
  CHECK_FALSE(parse_aor("sip:alice@h")->sips);
  CHECK_FALSE(parse_aor("alice@h")->sips);
}

TEST_CASE("A gr parameter is kept when it has a value") {
  CHECK(parse_aor("sip:alice@h;lr;gr=ARAA;x=y")->gr == "ARAA");
  CHECK(parse_aor("sip:alice@h;GR=ARAA")->gr == "ARAA");
  CHECK_FALSE(parse_aor("sip:alice@h;gr")->gr.has_value());
  CHECK_FALSE(parse_aor("sip:alice@h;gr=")->gr.has_value());
  CHECK_FALSE(parse_aor("sip:alice@h")->gr.has_value());
}

TEST_CASE("An IPv6 host keeps its brackets and loses its port") {
  CHECK(name_of("sip:alice@[2001:DB8::1]:5060;lr") == "alice@[2001:db8::1]");
  CHECK(parse_aor("sip:alice@[::1]:5060")->host() == "[::1]");
}

TEST_CASE("7904-3.4-5: without the element every domain is admissible") {
  CHECK(domain_admissible("bob@anywhere.test", std::nullopt, "demo.example"));
  CHECK_FALSE(domain_admissible("bob", std::nullopt, "demo.example"));
  CHECK_FALSE(domain_admissible("@demo.example", std::nullopt, "demo.example"));
  CHECK_FALSE(domain_admissible("bob@", std::nullopt, "demo.example"));
}

TEST_CASE("7904-3.4-6: not enabled, only the overlay's own name is admissible, whatever the patterns say") {
  for (const auto& rule : {restriction(false, {}), restriction(false, {R"(.*)"})}) {
    CHECK(domain_admissible("bob@demo.example", rule, "demo.example"));
    CHECK(domain_admissible("bob@DEMO.Example", rule, "demo.example"));
    CHECK_FALSE(domain_admissible("bob@sub.demo.example", rule, "demo.example"));
    CHECK_FALSE(domain_admissible("bob@other.example", rule, "demo.example"));
  }
}

TEST_CASE("7904-3.4-7 7904-3.4-4: enabled, only domains that a pattern matches from end to end are admissible") {
  const auto none = restriction(true, {});
  CHECK_FALSE(domain_admissible("bob@demo.example", none, "demo.example"));

  const auto two = restriction(true, {R"(dht\.example\.com)", R"(.*\.my\.example)"});
  CHECK(domain_admissible("bob@dht.example.com", two, "demo.example"));
  CHECK(domain_admissible("bob@DHT.Example.COM", two, "demo.example"));
  CHECK(domain_admissible("bob@a.my.example", two, "demo.example"));
  CHECK_FALSE(domain_admissible("bob@xdht.example.com", two, "demo.example"));
  CHECK_FALSE(domain_admissible("bob@dht.example.com.evil.org", two, "demo.example"));
  CHECK_FALSE(domain_admissible("bob@my.example", two, "demo.example"));
  CHECK_FALSE(domain_admissible("bob@demo.example", two, "demo.example"));
}

}  // namespace
}  // namespace reload::sip
