// unit_scenarios: runs every scenario of its directory and compares what comes of each command with what the file says.
// `unit_scenarios --record FILE...` writes what came of it into the files instead; read the difference before you
// commit it.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <stdexcept>

#include "tests/scenarios/script.hpp"

namespace {

using reload::scenarios::Script;

// What the file says of one command: everything up to the next line that begins with '>' or '#' or is empty.
struct Step {
  std::size_t line = 0;
  std::string command;
  std::string expected;
};

bool is_result(const std::string& line) { return !line.empty() && line[0] != '>' && line[0] != '#'; }

int run_file(const std::filesystem::path& path, bool record) {
  std::ifstream in(path);
  if (!in) throw std::runtime_error("can't read " + path.string());
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  Script script(1);
  std::string rewritten;
  int faults = 0;
  for (std::size_t i = 0; i < lines.size();) {
    if (!lines[i].starts_with("> ")) {
      if (is_result(lines[i]))
        throw std::runtime_error(path.string() + ":" + std::to_string(i + 1) +
                                 ": a result without a command; commands begin with '> '");
      rewritten += lines[i++] + "\n";
      continue;
    }
    Step step{i + 1, lines[i].substr(2), {}};
    for (++i; i < lines.size() && is_result(lines[i]); ++i) step.expected += lines[i] + "\n";
    std::string got;
    try {
      got = script.run(step.command);
    } catch (const std::exception& wrong) {
      throw std::runtime_error(path.string() + ":" + std::to_string(step.line) + ": " + wrong.what());
    }
    rewritten += "> " + step.command + "\n" + got;
    if (got == step.expected) continue;
    ++faults;
    if (!record)
      std::cout << path.string() << ":" << step.line << ": " << step.command << "\nexpected:\n"
                << step.expected << "but came:\n"
                << got;
  }
  if (!record) return faults;
  std::ofstream(path) << rewritten;
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::filesystem::path> files;
  bool record = false;
  for (int i = 1; i < argc; ++i) {
    if (std::string(argv[i]) == "--record")
      record = true;
    else
      files.emplace_back(argv[i]);
  }
  if (files.empty())
    for (const auto& entry : std::filesystem::directory_iterator(RELOAD_SCENARIOS_DIR))
      if (entry.path().extension() == ".txt") files.push_back(entry.path());
  std::ranges::sort(files);
  int passed = 0;
  int failed = 0;
  for (const auto& file : files) {
    try {
      ++(run_file(file, record) == 0 ? passed : failed);
    } catch (const std::exception& wrong) {
      std::cout << wrong.what() << "\n";
      ++failed;
    }
  }
  std::cout << passed << " passed, " << failed << " failed\n";
  return failed == 0 ? 0 : 1;
}
