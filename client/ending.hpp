// How a run of the program ends.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace reload::client {

using Json = nlohmann::ordered_json;

enum class Exit : int { ok = 0, failed = 1, usage = 2, timed_out = 3 };

// What is printed in the end: `text` for people, `data` with --json. A failure's text goes to standard error.
struct Ending {
  Exit exit = Exit::ok;
  Json data;
  std::string text;
};

// `code` is the RELOAD error's name, when there was one.
[[nodiscard]] inline Ending failed(Exit exit, std::string text, const std::string& code = {}) {
  Ending ending{exit, Json{{"error", text}}, std::move(text)};
  if (!code.empty()) ending.data["code"] = code;
  return ending;
}

}  // namespace reload::client
