#include "peer/json_config.hpp"

#include <doctest/doctest.h>

#include <sstream>

using namespace reload::peer;

namespace {

std::vector<CLI::ConfigItem> read(const std::string& text) {
  std::istringstream input(text);
  return JsonConfig().from_config(input);
}

std::string fault(const std::string& text) {
  try {
    (void)read(text);
  } catch (const CLI::Error& error) {
    return error.what();
  }
  return "none";
}

}  // namespace

TEST_CASE("texts, numbers, flags and lists become option values; comments are skipped") {
  const auto items = read(
      "{ // a comment\n \"listen\": \"127.0.0.1:1\", \"data-limit-mib\": 7,\n"
      " \"first-peer\": true, \"bootstrap\": [\"a\", \"b\"] }");
  REQUIRE(items.size() == 4);
  for (const auto& item : items) {
    if (item.name == "listen") CHECK(item.inputs == std::vector<std::string>{"127.0.0.1:1"});
    if (item.name == "data-limit-mib") CHECK(item.inputs == std::vector<std::string>{"7"});
    if (item.name == "first-peer") CHECK(item.inputs == std::vector<std::string>{"true"});
    if (item.name == "bootstrap") CHECK(item.inputs == std::vector<std::string>{"a", "b"});
  }
}

TEST_CASE("what is no JSON is told with line and column, and without the library's own words") {
  const std::string text = fault("{ \"listen\": \"x\",\n  \"data\" \"y\" }");
  CHECK_MESSAGE(text.find("line 2, column 12") != std::string::npos, text);
  CHECK(text.find("json.exception") == std::string::npos);
  CHECK(fault("").find("line 1") != std::string::npos);
}

TEST_CASE("JSON that is no set of options is refused") {
  CHECK(fault("[1]").find("one JSON object") != std::string::npos);
  CHECK(fault("{\"data\": {\"x\": 1}}").find("\"data\" must be") != std::string::npos);
  CHECK(fault("{\"data\": [null]}").find("\"data\" must be") != std::string::npos);
}
