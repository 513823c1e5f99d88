// One structure, as in reload/dump/dump_json.cpp, named by what the program is called, fuzz_<structure>: any bytes are
// decoded or refused, and what is decoded encodes and decodes to the same again.
#include <string_view>

#include "reload/base/check.hpp"
#include "reload/dump/dump_json.hpp"
#include "tests/fuzz/models.hpp"

namespace {
const reload::dump::Structure* structure = nullptr;
}

extern "C" int LLVMFuzzerInitialize(const int* /*argc*/, const char* const* const* argv) {
  const std::string_view program = (*argv)[0];
  structure = reload::dump::find_structure(program.substr(program.rfind('_') + 1));
  RELOAD_CHECK(structure != nullptr);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace reload;
  const wire::CodecContext context = fuzz::context_with_models();
  const std::optional<Bytes> again = structure->recode({data, size}, context);
  if (!again) return 0;
  const std::optional<Bytes> third = structure->recode(*again, context);
  RELOAD_CHECK(third == again);
  RELOAD_CHECK(structure->dump({data, size}, context) == structure->dump(*again, context));
  return 0;
}
