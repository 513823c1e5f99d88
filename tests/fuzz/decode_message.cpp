// A whole message: header, contents and security block are taken apart and put together again.
#include "reload/base/check.hpp"
#include "reload/dump/dump_json.hpp"
#include "tests/fuzz/models.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace reload;
  const ByteView bytes(data, size);
  const wire::CodecContext context = fuzz::context_with_models();
  static_cast<void>(dump::dump_message(bytes, context));
  const wire::HeaderDecode header = wire::decode_header(bytes);
  if (header.fault != wire::HeaderFault::none) return 0;
  const ByteView rest = bytes.subspan(header.header_size);
  Bytes again = wire::encode_header(header.header, rest.size());
  append(again, rest);
  RELOAD_CHECK(wire::decode_header(again).header == header.header);

  const std::optional<wire::ParsedBody> body = wire::parse_body(rest);
  if (!body) return 0;
  const Bytes contents = wire::encode(wire::MessageContents{body->code, to_bytes(body->body), body->extensions});
  RELOAD_CHECK(equal(contents, body->contents_bytes));
  const Bytes security = wire::encode(body->security);
  RELOAD_CHECK(equal(security, rest.subspan(contents.size())));
  return 0;
}
