// A form as a browser or curl sends it: multipart/form-data (RFC 2388, RFC 2046 5.1.1). Everything points into the
// body.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "reload/base/result.hpp"

namespace reload::certs {

inline constexpr std::size_t kMaxFormParts = 16;
inline constexpr std::size_t kMaxPartHeaders = 8;  // curl sends two, a browser three

struct FormPart {
  std::string_view name;
  std::string_view content_type;  // as written, without parameters; empty if the part has none
  std::string_view content;
};

// `content_type` is the request's header. The failure says what is wrong with the form.
[[nodiscard]] Result<std::vector<FormPart>> parse_form(std::string_view content_type, std::string_view body);

// ASCII letters in either case are the same, as in media types and header names.
[[nodiscard]] bool equal_ignoring_case(std::string_view a, std::string_view b);

}  // namespace reload::certs
