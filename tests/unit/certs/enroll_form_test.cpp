#include "certs/enroll_form.hpp"

#include <doctest/doctest.h>

#include "certs/account_store.hpp"
#include "certs/multipart_form.hpp"
#include "certs/user_list.hpp"

using namespace reload;
using namespace reload::certs;

namespace {

const std::string kType = "multipart/form-data; boundary=xyz";

std::string part(const std::string& name, const std::string& content, const std::string& more = "") {
  return "--xyz\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n" + more + "\r\n" + content + "\r\n";
}
const std::string kEnd = "--xyz--\r\n";
const std::string kPkcs10 = "Content-Type: application/pkcs10\r\n";

std::string fault(const std::string& type, const std::string& body) {
  const auto form = read_enroll_form(type, body);
  return form ? "" : form.error().text;
}

}  // namespace

TEST_CASE("6940-11.3-5, 6940-11.3-6: a form as curl sends it is read, its contents byte by byte") {
  const std::string csr("\x30\x00\r\n--xy\r\n\xff", 11);
  const std::string body = part("username", "alice@demo.example") + part("password", " se\ncret\r\n ") +
                           part("csr", csr, kPkcs10) + part("nodeids", "3") + part("device", "phone é") + kEnd;
  const auto form = read_enroll_form(kType, body);
  REQUIRE(form);
  CHECK(form->user_name == "alice@demo.example");
  CHECK(form->password == " se\ncret\r\n ");
  CHECK(form->device == "phone é");
  CHECK(form->node_ids == "3");
  REQUIRE(form->csr);
  CHECK(equal(*form->csr, as_bytes(csr)));
}

TEST_CASE("a form as others may send it: quoted boundary, preamble, file name first, other case, unknown parts") {
  const std::string body =
      "preamble\r\n--a b  \r\nCONTENT-TYPE: Application/PKCS10; x=y\r\nContent-Transfer-Encoding: "
      "Binary\r\ncontent-disposition: FORM-DATA; filename=\"a;name=b.csr\"; name=csr\r\n\r\nDER"
      "\r\n--a b\r\nContent-Disposition: form-data; name=\"_charset_\"\r\n\r\nutf-8\r\n--a b--epilogue";
  const auto form = read_enroll_form("Multipart/Form-Data; charset=utf-8; boundary=\"a b\"", body);
  REQUIRE(form);
  REQUIRE(form->csr);
  CHECK(as_text(*form->csr) == "DER");
  CHECK(form->user_name.empty());
  CHECK_FALSE(form->node_ids);
}

TEST_CASE("6940-11.3-10: a csr that is not said to be application/pkcs10 is none") {
  for (const char* type : {"", "Content-Type: application/octet-stream\r\n", "Content-Type: application/pkcs10x\r\n"}) {
    const auto form = read_enroll_form(kType, part("csr", "DER", type) + kEnd);
    REQUIRE(form);
    CHECK_FALSE(form->csr);
  }
}

TEST_CASE("6940-11.3-5: what is no form is refused, and the failure says why") {
  const std::string good = part("username", "a");
  CHECK(fault("application/x-www-form-urlencoded", "username=a").find("multipart/form-data") != std::string::npos);
  CHECK(fault("", good + kEnd).find("multipart/form-data") != std::string::npos);
  CHECK(fault("multipart/form-data", good + kEnd).find("boundary") != std::string::npos);
  CHECK(fault("multipart/form-data; boundary=", good + kEnd).find("boundary") != std::string::npos);
  CHECK(fault("multipart/form-data; boundary=" + std::string(71, 'x'), good + kEnd).find("boundary") !=
        std::string::npos);
  CHECK(fault(kType, "").find("holds no part") != std::string::npos);
  CHECK(fault(kType, good).find("no end") != std::string::npos);
  CHECK(fault(kType, "--xyzjunk\r\n\r\n" + kEnd).find("malformed boundary") != std::string::npos);
  CHECK(fault(kType, "--xyz\r\n" + kEnd).find("no end of its headers") != std::string::npos);
  CHECK(fault(kType, "--xyz\r\n\r\ncontent\r\n" + kEnd).find("no name") != std::string::npos);
  CHECK(fault(kType, "--xyz\r\nContent-Disposition: form-data; name=\"a\r\n\r\n\r\n" + kEnd).find("no name") !=
        std::string::npos);
  CHECK(fault(kType, "--xyz\r\nno colon\r\n\r\n\r\n" + kEnd).find("without a colon") != std::string::npos);
  CHECK(fault(kType, part("csr", "MII=", "Content-Transfer-Encoding: base64\r\n") + kEnd).find("encoded") !=
        std::string::npos);
  CHECK(fault(kType, good + good + kEnd).find("comes twice") != std::string::npos);
  CHECK(fault(kType, part("a", "", std::string("X: y\r\n")) + kEnd).empty());
  std::string headers;
  for (std::size_t i = 0; i < kMaxPartHeaders; ++i) headers += "X: y\r\n";
  CHECK(fault(kType, part("a", "", headers) + kEnd).find("too many headers") != std::string::npos);
  std::string parts;
  for (std::size_t i = 0; i <= kMaxFormParts; ++i) parts += part("p" + std::to_string(i), "");
  CHECK(fault(kType, parts + kEnd).find("too many parts") != std::string::npos);
}

TEST_CASE("a device's name is UTF-8 of at most 64 bytes") {
  CHECK(fault(kType, part("device", std::string(kMaxDeviceName, 'x')) + kEnd).empty());
  for (const std::string& name : {std::string(kMaxDeviceName + 1, 'x'), std::string("\xff"), std::string("a\nb")})
    CHECK(fault(kType, part("device", name) + kEnd).find("device") != std::string::npos);
}

TEST_CASE("6940-11.3-7: what is UTF-8 and what is not") {
  for (const char* good :
       {"", "abc", "é", "e\xcc\x81", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xef\xbf\xbf", "\xf4\x8f\xbf\xbf"})
    CHECK(is_utf8(good));
  for (const char* bad : {"\x80", "\xc3", "\xc3(", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
                          "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xe2\x82"})
    CHECK_FALSE(is_utf8(bad));
}
