#include "reload/wire/reader.hpp"
#include "reload/wire/writer.hpp"
#include "tests/unit/wire/test_bytes.hpp"

namespace reload::wire {

TEST_CASE("6940-6.3-1: integers are in network byte order and stand without padding") {
  Writer writer;
  writer.u8(0x01);
  writer.u16(0x0203);
  writer.u24(0x040506);
  writer.u32(0x0708090a);
  writer.u64(0x0b0c0d0e0f101112);
  const Bytes bytes = writer.take();
  CHECK(to_hex(bytes) == "0102030405060708090a0b0c0d0e0f101112");
  Reader reader(bytes);
  CHECK(reader.u8() == 0x01);
  CHECK(reader.u16() == 0x0203);
  CHECK(reader.u24() == 0x040506);
  CHECK(reader.u32() == 0x0708090a);
  CHECK(reader.u64() == 0x0b0c0d0e0f101112);
  CHECK(reader.finished());
}

TEST_CASE("6940-6.3.1.1-5: a length field has the fewest bytes that can hold the greatest length") {
  CHECK(max_length(Width::u8) == 255);
  CHECK(max_length(Width::u16) == 65535);
  CHECK(max_length(Width::u24) == 16777215);
  CHECK(max_length(Width::u32) == 4294967295);
  Writer writer;
  writer.opaque(Width::u8, hex("aa"));
  writer.opaque(Width::u16, hex("bb"));
  writer.opaque(Width::u24, hex("cc"));
  writer.opaque(Width::u32, hex("dd"));
  CHECK(to_hex(writer.take()) ==
        "01aa"
        "0001bb"
        "000001cc"
        "00000001dd");
}

TEST_CASE("6940-6.3.1.1-2: a Boolean is one byte, 0 or 1, and anything else is malformed") {
  const Bytes bytes = hex("00 01 02");
  Reader reader(bytes);
  CHECK_FALSE(reader.boolean());
  CHECK(reader.boolean());
  CHECK(reader.ok());
  reader.boolean();
  CHECK_FALSE(reader.ok());
}

TEST_CASE("a read beyond the end fails the reader for good") {
  const Bytes bytes = hex("0102 0304");
  Reader reader(bytes);
  reader.u24();
  CHECK(reader.u16() == 0);
  CHECK_FALSE(reader.ok());
  CHECK(reader.u8() == 0);
  CHECK(reader.remaining() == 0);
  CHECK(reader.bytes(0).empty());
  CHECK_FALSE(reader.finished());
}

TEST_CASE("an opaque whose length goes beyond the end fails, and so does a reader of its inside") {
  const Bytes bytes = hex("05 aabbccdd");
  Reader reader(bytes);
  const Reader inside = reader.sub(Width::u8);
  CHECK_FALSE(inside.ok());
  CHECK_FALSE(reader.ok());
}

TEST_CASE("scopes fill in the length of what was written inside them") {
  Writer writer;
  {
    const auto outer = writer.scope(Width::u32);
    writer.u8(7);
    const auto inner = writer.scope(Width::u16);
    writer.u24(9);
  }
  CHECK(to_hex(writer.take()) ==
        "00000006"
        "07"
        "0003"
        "000009");
}

}  // namespace reload::wire
