#include "certs/enroll_form.hpp"

#include <algorithm>

#include "certs/account_store.hpp"
#include "certs/multipart_form.hpp"
#include "certs/user_list.hpp"

namespace reload::certs {
namespace {

bool is_device_name(std::string_view text) {
  const auto is_control = [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; };
  return text.size() <= kMaxDeviceName && is_utf8(text) && std::ranges::none_of(text, is_control);
}

}  // namespace

Result<EnrollForm> read_enroll_form(std::string_view content_type, std::string_view body) {
  const auto parts = parse_form(content_type, body);
  if (!parts) return tl::unexpected(parts.error());
  EnrollForm form;
  for (auto part = parts->begin(); part != parts->end(); ++part) {
    if (std::any_of(parts->begin(), part, [&](const FormPart& before) { return before.name == part->name; }))
      return failure("a part of the form comes twice");
    if (part->name == "username") form.user_name = part->content;
    if (part->name == "password") form.password = part->content;
    if (part->name == "device") form.device = part->content;
    if (part->name == "nodeids") form.node_ids = part->content;
    if (part->name == "csr" && equal_ignoring_case(part->content_type, "application/pkcs10"))
      form.csr = as_bytes(part->content);
  }
  if (!is_device_name(form.device)) return failure("the device's name is not UTF-8 of at most 64 bytes");
  return form;
}

}  // namespace reload::certs
