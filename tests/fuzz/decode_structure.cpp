// One structure, named by RELOAD_FUZZ_STRUCTURE as in reload/dump/dump_json.cpp: any bytes are decoded or refused, and
// what is decoded encodes and decodes to the same again.
#include "reload/base/check.hpp"
#include "reload/dump/dump_json.hpp"
#include "tests/fuzz/models.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace reload;
  static const dump::Structure* const structure = dump::find_structure(RELOAD_FUZZ_STRUCTURE);
  RELOAD_CHECK(structure != nullptr);
  const wire::CodecContext context = fuzz::context_with_models();
  const std::optional<Bytes> again = structure->recode({data, size}, context);
  if (!again) return 0;
  const std::optional<Bytes> third = structure->recode(*again, context);
  RELOAD_CHECK(third == again);
  RELOAD_CHECK(structure->dump({data, size}, context) == structure->dump(*again, context));
  return 0;
}
