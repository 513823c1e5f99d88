// A stored value alone, as a value store gives it back; the first byte chooses the data model.
#include "reload/base/check.hpp"
#include "reload/wire/codec.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace reload;
  if (size == 0) return 0;
  const auto model = static_cast<wire::DataModel>(data[0] % 3);
  const std::optional<wire::StoredData> stored = wire::decode_stored({data + 1, size - 1}, model);
  if (!stored) return 0;
  RELOAD_CHECK(wire::model_of(stored->value) == model);
  RELOAD_CHECK(wire::decode_stored(wire::encode_stored(*stored), model) == stored);
  static_cast<void>(wire::encode_value(stored->value));
  return 0;
}
