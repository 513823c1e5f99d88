// An enrolment request from whatever bytes: a byte that tells the length of the content type, that type, then the form.
// What is read lies within the form; a certificate signing request in it is one or is refused.
#include <algorithm>

#include "certs/account_store.hpp"
#include "certs/enroll_form.hpp"
#include "certs/multipart_form.hpp"
#include "certs/signing_request.hpp"
#include "reload/base/check.hpp"

namespace {

using namespace reload;

bool lies_in(std::string_view whole, std::string_view part) {
  return part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)certs::parse_signing_request({data, size});
  if (size == 0) return 0;
  const std::string_view input = as_text({data + 1, size - 1});
  const std::size_t type_size = std::min<std::size_t>(data[0], input.size());
  const std::string_view body = input.substr(type_size);
  const auto form = certs::read_enroll_form(input.substr(0, type_size), body);
  if (!form) {
    RELOAD_CHECK(!form.error().text.empty());
    return 0;
  }
  RELOAD_CHECK(lies_in(body, form->user_name) && lies_in(body, form->password) && lies_in(body, form->device));
  RELOAD_CHECK(form->device.size() <= certs::kMaxDeviceName);
  if (form->node_ids) RELOAD_CHECK(lies_in(body, *form->node_ids));
  if (!form->csr) return 0;
  RELOAD_CHECK(lies_in(body, as_text(*form->csr)));
  const auto request = certs::parse_signing_request(*form->csr);
  RELOAD_CHECK(!request || io::usable_algorithm(*request->key));
  return 0;
}
