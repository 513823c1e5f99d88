#include "certs/user_list.hpp"

#include <doctest/doctest.h>

using namespace reload;
using namespace reload::certs;

namespace {
const std::string kOverlay = "demo.example";

std::string canonical(std::string_view text) { return canonical_user_name(text, kOverlay).value(); }
std::string name_fault(std::string_view text) {
  const auto name = canonical_user_name(text, kOverlay);
  return name ? "accepted as " + *name : name.error().text;
}
std::string list_fault(std::string_view text) {
  const auto users = parse_user_list(text, kOverlay);
  return users ? "accepted" : users.error().text;
}
bool says(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }
}  // namespace

TEST_CASE("a user name takes the form whose bytes are hashed (RFC 7904 digest 3.1)") {
  CHECK(canonical("alice@demo.example") == "alice@demo.example");
  CHECK(canonical("sip:alice@demo.example") == "alice@demo.example");
  CHECK(canonical("SIPS:alice@demo.example") == "alice@demo.example");
  CHECK(canonical("Alice@Demo.EXAMPLE.") == "Alice@demo.example");
  CHECK(canonical("alice") == "alice@demo.example");
  CHECK(canonical("+44-20.7946_0958@phones.example") == "+44-20.7946_0958@phones.example");
}

TEST_CASE("6940-11.3-22: only legal characters are let into user names") {
  using namespace std::string_view_literals;
  for (const std::string_view bad :
       {"al ice@demo.example"sv, "al\0ice@demo.example"sv, "al%69ce@demo.example"sv, "a:b@x"sv,
        "al\xc3\xa9@demo.example"sv, "\"a\"@demo.example"sv, "a;b@x"sv, "a,b@x"sv, "a\n@x"sv}) {
    CHECK(says(name_fault(bad), "may hold letters"));
  }
  CHECK(says(name_fault("a\nb@x"), "\\x0a"));
  CHECK(says(name_fault("@demo.example"), "missing"));
  CHECK(says(name_fault(""), "missing"));
  CHECK(says(name_fault(".a@x"), "dot"));
  CHECK(says(name_fault("a..b@x"), "dot"));
  CHECK(says(name_fault(std::string(65, 'a')), "longer than 64"));
  for (const std::string_view bad : {"a@"sv, "a@b@c"sv, "a@-x.example"sv, "a@x..example"sv, "a@x_y"sv, "a@x:5060"sv}) {
    CHECK(says(name_fault(bad), "is no domain name"));
  }
}

TEST_CASE("a list holds one user a line, with or without a password") {
  const auto users = parse_user_list("# name,password\r\nalice,se,cret\r\n\n bob@Demo.example \ncarol,x", kOverlay);
  REQUIRE(users);
  REQUIRE(users->size() == 3);
  CHECK(users->at(0).name == "alice@demo.example");
  CHECK(users->at(0).password == "se,cret");
  CHECK(users->at(1).name == "bob@demo.example");
  CHECK_FALSE(users->at(1).password);
  CHECK(users->at(2).password == "x");
}

TEST_CASE("a list with one name twice is refused, in whatever spelling") {
  CHECK(list_fault("alice\nbob\nsip:alice@DEMO.example\n") == "line 3: alice@demo.example is already in line 1");
}

TEST_CASE("a broken list is refused with its line") {
  CHECK(list_fault("") == "no user in it: expected lines of name[,password]");
  CHECK(says(list_fault("alice\nb ob,x\n"), "line 2: bad user name \"b ob\""));
  CHECK(says(list_fault("alice,\n"), "line 1: the password of alice@demo.example is empty"));
  CHECK(says(list_fault("alice,a\x01z\n"), "control character"));
  CHECK(says(list_fault("alice," + std::string(300, 'x')), "longer than 256"));
}

TEST_CASE("a password record holds the digests of RFC 7616 3.4.2 and not the password") {
  // RFC 7616 3.9.1's user and password; the values are md5sum's and sha256sum's for user:realm:password.
  const auto record = password_record({"Mufasa@http-auth@example.org", "Circle of Life"}, "http-auth@example.org");
  CHECK(record ==
        "Mufasa@http-auth@example.org:http-auth@example.org:3d78807defe7de2157e2b0b6573a855f:"
        "7987c64c30e25f1b74be53f966b49b90f2808aa92faf9a00262392d7b4794232\n");
  CHECK(says(password_record({"alice@demo.example", std::nullopt}, kOverlay).error().text, "has no password"));
}
