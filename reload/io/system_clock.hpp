// The only place that reads the time.
#pragma once

#include "reload/base/time.hpp"

namespace reload::io {

[[nodiscard]] Now system_now();

}  // namespace reload::io
