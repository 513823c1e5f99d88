// A directory for one test, with what tests of files ask of it.
#pragma once

#include <iterator>

#include "certs/files.hpp"
#include "tests/kit/temporary_directory.hpp"

class TemporaryDirectory : public reload::kit::TemporaryDirectory {
 public:
  [[nodiscard]] reload::certs::Path file(const char* name) const { return path() / name; }
  [[nodiscard]] std::ptrdiff_t entries() const {
    return std::distance(std::filesystem::directory_iterator(path()), std::filesystem::directory_iterator());
  }
};
