#include "peer/json_config.hpp"

#include <nlohmann/json.hpp>

namespace reload::peer {

namespace {

std::string text_of(const std::string& key, const nlohmann::json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean() || value.is_number()) return value.dump();
  throw CLI::FileError("\"" + key + "\" must be a text, a number, true, false or a list of these");
}

nlohmann::json parse(std::istream& input) {
  try {
    return nlohmann::json::parse(input, nullptr, /*allow_exceptions=*/true, /*ignore_comments=*/true);
  } catch (const nlohmann::json::parse_error& error) {
    // "[json.exception.parse_error.101] parse error at line 2, column 10: ...": the part in brackets helps nobody.
    std::string_view text = error.what();
    if (const auto end = text.find("] "); end != std::string_view::npos) text.remove_prefix(end + 2);
    throw CLI::FileError("it is no JSON: " + std::string(text));
  }
}

}  // namespace

std::string JsonConfig::to_config(const CLI::App* app, bool default_also, bool, std::string) const {
  nlohmann::json document = nlohmann::json::object();
  for (const CLI::Option* option : app->get_options({})) {
    if (option->get_lnames().empty() || !option->get_configurable()) continue;
    const std::string& name = option->get_lnames().front();
    if (option->count() > 0)
      document[name] = option->results();
    else if (default_also && !option->get_default_str().empty())
      document[name] = option->get_default_str();
  }
  return document.dump(2);
}

std::vector<CLI::ConfigItem> JsonConfig::from_config(std::istream& input) const {
  const nlohmann::json document = parse(input);
  if (!document.is_object()) throw CLI::FileError("it must hold one JSON object: { \"option\": value }");
  std::vector<CLI::ConfigItem> found;
  for (const auto& [key, value] : document.items()) {
    CLI::ConfigItem item;
    item.name = key;
    if (value.is_array())
      for (const auto& element : value) item.inputs.push_back(text_of(key, element));
    else
      item.inputs.push_back(text_of(key, value));
    found.push_back(std::move(item));
  }
  return found;
}

}  // namespace reload::peer
