// The configuration document and a kind-block, from whatever bytes: what is read lies within the input, and what was
// read can be written and read again.
#include "reload/base/check.hpp"
#include "reload/config/overlay_xml.hpp"

namespace {

using namespace reload;

Bytes no_digest(ByteView) { return Bytes(20); }

bool is_part_of(ByteView whole, ByteView part) {
  return as_text(whole).find(as_text(part)) != std::string_view::npos && part.front() == '<' && part.back() == '>';
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  if (const auto kind = config::parse_kind_block(input)) {
    RELOAD_CHECK(is_part_of(input, kind->element.bytes));
    RELOAD_CHECK(is_part_of(input, kind->kind_block));
  }
  const auto config = config::read_config(input, "", no_digest);
  if (!config) {
    RELOAD_CHECK(!config.error().text.empty());
    return 0;
  }
  RELOAD_CHECK(is_part_of(input, (*config)->element.bytes));
  for (const auto& [id, kind] : (*config)->kinds)
    RELOAD_CHECK(kind.kind_block.empty() || is_part_of((*config)->element.bytes, kind.kind_block));
  const std::string written = config::write_config(**config);
  const auto again = config::read_config(as_bytes(written), (*config)->instance_name, no_digest);
  RELOAD_CHECK(again.has_value());
  RELOAD_CHECK(config::write_config(**again) == written);
  return 0;
}
