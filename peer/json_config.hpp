// A JSON object as CLI11's configuration file: its keys are the option names without dashes in front, a list gives a
// repeated option, true and false a flag.
#pragma once

#include <CLI/CLI.hpp>

namespace reload::peer {

class JsonConfig final : public CLI::Config {
 public:
  std::string to_config(const CLI::App* app, bool default_also, bool write_description,
                        std::string prefix) const override;
  // Throws CLI::FileError for what is no such JSON; CLI11 prints it like any other wrong option.
  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override;
};

}  // namespace reload::peer
