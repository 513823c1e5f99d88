#include "reload/wire/names.hpp"

namespace reload::wire {

std::string_view name_of(MessageCode code) { return find_name(code).value_or("unknown"); }
std::string_view name_of(ErrorCode code) { return find_name(code).value_or("unknown"); }

}  // namespace reload::wire
