#include "reload/config/xml_tree.hpp"

#include <doctest/doctest.h>

#include "reload/base/limits.hpp"

using namespace reload;
using namespace reload::config;

namespace {

std::string fault(std::string_view text) {
  const auto root = parse_xml(as_bytes(text));
  REQUIRE_FALSE(root.has_value());
  return root.error().text;
}

std::string_view bytes(std::string_view text, const XmlElement& element) {
  return as_text(element.bytes_in(as_bytes(text)));
}

}  // namespace

// 6940-11.1-60, 6940-11.1-63, 6940-11.1-64: signatures cover these bytes.
TEST_CASE("an element's bytes go from its first '<' to its last '>', untouched") {
  const std::string_view text =
      "\xef\xbb\xbf<?xml version='1.0'?><!-- <a> --><r xmlns:p='urn:p'>\n <p:a x='>' y=\"</p:a>&lt;\"  >"
      "<![CDATA[</p:a>]]><?pi <b>?><b/></p:a\t> t&amp;<a />\n</r  >\n<!-- </r> -->";
  // '<' in an attribute value is not XML: use one that has it as a reference.
  const std::string good = std::string(text).replace(text.find("</p:a>&lt;"), 10, "/p:a>&lt;");
  const auto root = parse_xml(as_bytes(good));
  REQUIRE_MESSAGE(root.has_value(), (root ? "" : root.error().text));
  REQUIRE(root->children.size() == 2);
  const XmlElement& a = root->children[0];
  CHECK(a.is("urn:p", "a"));
  CHECK(*a.attribute("x") == ">");
  CHECK(*a.attribute("y") == "/p:a><");
  CHECK(a.attribute("z") == nullptr);
  CHECK(a.text == "</p:a>");
  CHECK(bytes(good, a) == "<p:a x='>' y=\"/p:a>&lt;\"  ><![CDATA[</p:a>]]><?pi <b>?><b/></p:a\t>");
  CHECK(bytes(good, a.children.at(0)) == "<b/>");
  CHECK(bytes(good, root->children[1]) == "<a />");
  CHECK(bytes(good, *root).starts_with("<r xmlns:p"));
  CHECK(bytes(good, *root).ends_with("</r  >"));
  CHECK(root->text == "t&");
}

TEST_CASE("6940-11.1-2: what is not well-formed is refused") {
  for (const char* broken : {"", "text", "<a>", "<a></b>", "<a><b></a></b>", "<a/><b/>", "<a", "<a x=1/>",
                             "<a x='1' x='2'/>", "<a>&nothere;</a>", "<a><!-- </a>", "<a><![CDATA[ </a>", "<a>\x01</a>",
                             "<a b='<'/>", "< a/>", "<p:a/>", "<a>\xff</a>", "<a/>x", "</a>"}) {
    CAPTURE(broken);
    CHECK(fault(broken).starts_with("XML: "));
  }
}

TEST_CASE("6940-11.1-4: only UTF-8 is read") {
  CHECK(fault("<?xml version='1.0' encoding='ISO-8859-1'?><a/>").find("UTF-8") != std::string::npos);
  CHECK(parse_xml(as_bytes("<?xml version='1.0' encoding='utf-8'?><a>\xc3\xa9</a>")).has_value());
  CHECK_FALSE(parse_xml(as_bytes(std::string_view("\xff\xfe<\0a\0/\0>\0", 10))).has_value());
}

TEST_CASE("document type declarations, and so entities of its own, are refused") {
  const std::string dtd = "<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><a>&e;</a>";
  CHECK(fault(dtd).find("DOCTYPE") != std::string::npos);
  CHECK(fault("<a><!ELEMENT b></a>").find("DOCTYPE") != std::string::npos);
}

TEST_CASE("size, depth and number of elements are bounded") {
  const auto nested = [](std::size_t depth) {
    std::string text;
    for (std::size_t i = 0; i < depth; ++i) text += "<a>";
    for (std::size_t i = 0; i < depth; ++i) text += "</a>";
    return text;
  };
  CHECK(parse_xml(as_bytes(nested(limits::kMaxConfigDepth))).has_value());
  CHECK(fault(nested(limits::kMaxConfigDepth + 1)).find("deeper") != std::string::npos);
  std::string many = "<a>";
  for (std::size_t i = 0; i < limits::kMaxConfigElements; ++i) many += "<b/>";
  CHECK(fault(many + "</a>").find("elements") != std::string::npos);
  CHECK(fault(std::string(limits::kMaxConfigBytes + 1, ' ')).find("longer") != std::string::npos);
}
