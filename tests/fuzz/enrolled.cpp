// What an enrollment server may send: the answer's status, type and body from whatever bytes. What is taken for a
// certificate is one, and never one that was not asked for.
#include "reload/base/check.hpp"
#include "reload/io/enroll.hpp"
#include "tests/fuzz/source.hpp"
#include "tests/kit/fixtures.hpp"

namespace {

using namespace reload;

struct Bed {
  kit::Fixture overlay{"net.example"};
  config::ConfigPtr config = overlay.config_ptr();
  security::CredentialPtr alice = overlay.issue(kit::node_number(5), "alice@net.example");
  io::EnrollmentOrder order;
  Bed() { order.account = order.user_name = "alice@net.example"; }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Bed bed;
  fuzz::Source source(ByteView(data, size));
  constexpr long kStatus[] = {200, 403, 429, 503, 302, 500, 0, 999};
  io::HttpsAnswer answer;
  answer.status = kStatus[source.below(std::size(kStatus))];
  answer.type = source.below(2) == 0 ? "application/pkix-cert" : std::string(as_text(source.chunk()));
  answer.elsewhere = as_text(source.chunk());
  if (source.below(2) == 0) answer.retry_after = Duration(source.u32());
  // Half of the certificates are a right one with some bytes changed.
  if (source.below(2) == 0) {
    answer.body = to_bytes(bed.alice->certificate->der.view());
    for (std::size_t i = source.below(4); i > 0; --i) answer.body[source.u32() % answer.body.size()] = source.u8();
  } else {
    answer.body = to_bytes(source.take(SIZE_MAX));
  }
  const auto body = io::read_enrollment_answer(std::move(answer), bed.order);
  if (!body) {
    RELOAD_CHECK(!body.error().text.empty() && body.error().text.size() < 2000);
    return 0;
  }
  const auto enrolled =
      io::check_enrolled(*body, bed.alice->key, bed.order, bed.config, kit::kTestNow, bed.overlay.crypto());
  if (enrolled) {
    RELOAD_CHECK((*enrolled)->certificate->user_name == bed.order.user_name);
    RELOAD_CHECK(equal((*enrolled)->certificate->der.view(), bed.alice->certificate->der.view()));
  } else {
    RELOAD_CHECK(enrolled.error().fault == io::EnrollmentFault::certificate);
  }
  return 0;
}
