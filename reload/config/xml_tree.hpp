// An XML document as plain elements, each with the bytes it stands on in the original text: signatures cover those
// bytes, never a tree written out again (6940 11.1, interop trap 29).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "reload/base/bytes.hpp"
#include "reload/base/result.hpp"

namespace reload::config {

struct XmlAttribute {
  std::string space;
  std::string name;
  std::string value;  // without white space around it
};

struct XmlElement {
  std::string space;  // namespace URI; empty for none
  std::string name;
  std::vector<XmlAttribute> attributes;
  std::string text;  // the element's own, without white space around it
  std::vector<XmlElement> children;
  std::size_t begin = 0;  // from its first '<' ...
  std::size_t end = 0;    // ... to behind its last '>', in the original bytes

  [[nodiscard]] bool is(std::string_view wanted_space, std::string_view wanted_name) const {
    return space == wanted_space && name == wanted_name;
  }
  // An attribute without namespace; null if it isn't there.
  [[nodiscard]] const std::string* attribute(std::string_view wanted) const;
  [[nodiscard]] ByteView bytes_in(ByteView document) const { return document.subspan(begin, end - begin); }
};

// The root element. UTF-8 only; a document type declaration (and so any entity of its own) is refused before a parser
// sees it, and nothing is ever fetched.
[[nodiscard]] Result<XmlElement> parse_xml(ByteView document);

}  // namespace reload::config
