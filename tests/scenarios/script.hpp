// A scenario: lines of commands, each with what came of it. See README.md.
#pragma once

#include "tests/scenarios/recorder.hpp"

namespace reload::scenarios {

class Script {
 public:
  explicit Script(std::uint64_t seed);
  // Runs one command; what it and the nodes had to say. Throws std::runtime_error for a command that makes no sense.
  std::string run(const std::string& line);

 private:
  using Words = std::vector<std::string>;
  [[nodiscard]] std::size_t node(const std::string& name) const;
  [[nodiscard]] wire::DestinationList destinations(const Words& words, std::size_t from) const;
  std::string wait_for(const std::optional<std::string>& outcome);
  std::string show(std::size_t index);
  std::string store(const Words& words, bool exists);
  std::string fetch(const Words& words);
  std::string holders(const std::string& user);

  sim::World world_;
  Names names_;
  Recorder recorder_;
  std::map<std::string, std::size_t> by_name_;
};

}  // namespace reload::scenarios
