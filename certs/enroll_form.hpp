// What a member asks of the enrolment server (6940 11.3), as it stands in the form.
#pragma once

#include <optional>
#include <string_view>

#include "reload/base/bytes.hpp"
#include "reload/base/result.hpp"

namespace reload::certs {

struct EnrollForm {
  std::string_view user_name;  // of the account
  std::string_view password;
  std::string_view device;                   // ours: which of the user's devices keeps its Node-IDs
  std::optional<std::string_view> node_ids;  // how many
  std::optional<ByteView> csr;               // only as application/pkcs10
};

// Points into the body. Failures are of forms that no client of 11.3 sends; what is merely not granted is left to the
// one who decides.
[[nodiscard]] Result<EnrollForm> read_enroll_form(std::string_view content_type, std::string_view body);

}  // namespace reload::certs
