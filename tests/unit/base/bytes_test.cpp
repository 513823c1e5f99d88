#include "reload/base/bytes.hpp"

#include <doctest/doctest.h>

using namespace reload;

TEST_CASE("hex survives a round trip and refuses what is not hex") {
  CHECK(to_hex(Bytes{0x00, 0xab, 0xff}) == "00abff");
  CHECK(from_hex("00ABff") == Bytes{0x00, 0xab, 0xff});
  CHECK_FALSE(from_hex("0"));
  CHECK_FALSE(from_hex("0g"));
}

TEST_CASE("base64 of RFC 4648 section 10") {
  const std::pair<std::string_view, std::string_view> vectors[] = {{"", ""},
                                                                   {"f", "Zg=="},
                                                                   {"fo", "Zm8="},
                                                                   {"foo", "Zm9v"},
                                                                   {"foob", "Zm9vYg=="},
                                                                   {"fooba", "Zm9vYmE="},
                                                                   {"foobar", "Zm9vYmFy"}};
  for (const auto& [text, coded] : vectors) {
    CHECK(to_base64(as_bytes(text)) == coded);
    CHECK(from_base64(coded) == to_bytes(as_bytes(text)));
  }
  CHECK(from_base64("Zm 9v\n") == to_bytes(as_bytes("foo")));
  for (std::string_view bad : {"Zg", "Zg=", "Z===", "=", "Zm9v=", "Zg==Zg==", "Z*==", "Zh=="})
    CHECK_FALSE(from_base64(bad));
}

TEST_CASE("a slice of shared bytes shares them and stays inside") {
  SharedBytes whole(Bytes{1, 2, 3, 4});
  SharedBytes part = whole.slice(1, 2);
  CHECK(part.view().data() == whole.view().data() + 1);
  CHECK(part.size() == 2);
  CHECK(whole.slice(9).empty());
  CHECK(part.slice(1, 99).size() == 1);
}
