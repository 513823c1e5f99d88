#include "reload/base/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace reload {

void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: broken invariant: %s\n", file, line, condition);
  std::abort();
}

}  // namespace reload
