// How a run of the program ends.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace reload::client {

using Json = nlohmann::ordered_json;

enum class Exit : int { ok = 0, failed = 1, usage = 2, timed_out = 3, interrupted = 130 };

// What is printed in the end: `text` for people or, with --json, `data`, on standard output; `error` on standard error,
// and in `data` too.
struct Ending {
  Exit exit = Exit::ok;
  Json data;
  std::string text;
  std::string error;
};

// `code` is the RELOAD error's name, when there was one.
[[nodiscard]] inline Ending failed(Exit exit, std::string error, const std::string& code = {}) {
  Ending ending{exit, Json::object(), {}, std::move(error)};
  if (!code.empty()) ending.data["code"] = code;
  return ending;
}

}  // namespace reload::client
