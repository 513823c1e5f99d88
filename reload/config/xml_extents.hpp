// Where each element of an XML document begins and ends, in bytes. Not a parser: it knows tags, quotes, comments, CDATA
// and processing instructions, and leaves everything else to the parser that xml_tree checks it against.
#pragma once

#include <string_view>
#include <vector>

#include "reload/base/bytes.hpp"
#include "reload/base/result.hpp"

namespace reload::config {

struct ElementExtent {
  std::string_view name;  // with its prefix, as written
  std::size_t begin = 0;  // of the start tag's '<'
  std::size_t end = 0;    // behind the end tag's '>'
};

// In document order. Refuses document type declarations and what exceeds the limits on depth and number.
[[nodiscard]] Result<std::vector<ElementExtent>> find_extents(ByteView document);

}  // namespace reload::config
