// Assertions that stay on in release builds. A broken invariant is our bug and stops the process; what the network
// or a disk does wrong is a Result, never a CHECK.
#pragma once

namespace reload {

[[noreturn]] void check_failed(const char* condition, const char* file, int line);
[[noreturn]] inline void unreachable(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  check_failed("unreachable", file, line);
}

}  // namespace reload

#define RELOAD_CHECK(condition) \
  (static_cast<bool>(condition) ? void() : ::reload::check_failed(#condition, __FILE__, __LINE__))
