// Enrolling without a network: what is sent, and what is made of what comes back.
#include "reload/io/enroll.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "reload/io/csr.hpp"
#include "reload/io/openssl_handles.hpp"
#include "tests/kit/fixtures.hpp"

using namespace reload;
using namespace reload::io;

namespace {

const std::string kUser = "alice@net.example";

EnrollmentOrder order_of_alice() {
  EnrollmentOrder order;
  order.account = kUser;
  order.user_name = kUser;
  order.password = "p\xC3\xA4ss \"word\"";
  order.device = "host 1";
  return order;
}

const FormPart* part(const std::vector<FormPart>& form, const std::string& name) {
  const auto found = std::ranges::find(form, name, &FormPart::name);
  return found == form.end() ? nullptr : &*found;
}

HttpsAnswer answer(long status, std::string_view body = {}, std::string type = "text/plain") {
  HttpsAnswer made;
  made.status = status;
  made.type = std::move(type);
  made.body = to_bytes(as_bytes(body));
  return made;
}

using RequestHandle = std::unique_ptr<X509_REQ, Freer<X509_REQ_free>>;

RequestHandle parse_csr(ByteView der) {
  const unsigned char* at = der.data();
  return RequestHandle(d2i_X509_REQ(nullptr, &at, static_cast<long>(der.size())));
}

}  // namespace

TEST_CASE("a certificate request names the user in its extensionRequest, has no subject and is signed with the key") {
  for (const KeyType type : {KeyType::ecdsa_p256, KeyType::rsa_2048}) {
    const auto key = generate_private_key(type);
    REQUIRE(key);
    const auto der = make_csr(**key, kUser);
    REQUIRE(der);
    const auto request = parse_csr(*der);
    REQUIRE(request);
    CHECK(X509_NAME_entry_count(X509_REQ_get_subject_name(request.get())) == 0);
    CHECK(X509_REQ_verify(request.get(), openssl_key(**key)) == 1);
    STACK_OF(X509_EXTENSION)* extensions = X509_REQ_get_extensions(request.get());
    REQUIRE(sk_X509_EXTENSION_num(extensions) == 1);
    const NamesHandle names(
        static_cast<GENERAL_NAMES*>(X509V3_get_d2i(extensions, NID_subject_alt_name, nullptr, nullptr)));
    REQUIRE(sk_GENERAL_NAME_num(names.get()) == 1);
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), 0);
    REQUIRE(name->type == GEN_EMAIL);
    CHECK(std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.rfc822Name)),
                      static_cast<std::size_t>(ASN1_STRING_length(name->d.rfc822Name))) == kUser);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
  }
}

TEST_CASE("6940-11.3-6, 6940-11.3-7, 6940-11.3-9, 6940-11.3-10: the parts of the form, byte for byte") {
  EnrollmentOrder order = order_of_alice();
  const Bytes csr{0x30, 0x00, 0xFF};
  auto form = enrollment_form(order, csr);
  CHECK(part(form, "username")->content == kUser);
  CHECK(part(form, "password")->content == "p\xC3\xA4ss \"word\"");
  CHECK(part(form, "device")->content == "host 1");
  CHECK(part(form, "csr")->type == "application/pkcs10");
  CHECK(part(form, "csr")->content == std::string("\x30\x00\xFF", 3));
  CHECK(part(form, "nodeids") == nullptr);
  order.node_ids = 3;
  order.device.clear();
  form = enrollment_form(order, csr);
  CHECK(part(form, "nodeids")->content == "3");
  CHECK(part(form, "device") == nullptr);
}

TEST_CASE("the server's refusals are told in words that name option and cure") {
  struct Row {
    std::string_view token;
    EnrollmentFault fault;
    std::vector<std::string_view> says;
  };
  EnrollmentOrder order = order_of_alice();
  order.user_name = "bob@net.example";
  for (const Row& row :
       {Row{"failed_authentication", EnrollmentFault::authentication, {kUser, "--enroll-password-file"}},
        Row{"username_not_available\r\n", EnrollmentFault::user_name, {"bob@net.example", "domain"}},
        Row{" Node-IDs_not_available", EnrollmentFault::node_ids, {"--enroll-device", "host 1"}},
        Row{"bad_CSR", EnrollmentFault::request, {"bad_CSR"}}}) {
    const auto read = read_enrollment_answer(answer(403, row.token), order);
    REQUIRE_FALSE(read);
    CHECK(read.error().fault == row.fault);
    for (const auto text : row.says) CHECK(read.error().text.find(text) != std::string::npos);
  }
}

TEST_CASE("6940-11.3-30: an unknown token is a failure for an unknown reason, and does no harm to a terminal") {
  for (const std::string_view token : {std::string_view("coffee_is_out"), std::string_view("\x1b[2J\x07evil"),
                                       std::string_view(""), std::string_view("Failed_Authentication")}) {
    const auto read = read_enrollment_answer(answer(403, token), order_of_alice());
    REQUIRE_FALSE(read);
    CHECK(read.error().fault == EnrollmentFault::refused);
    CHECK(read.error().text.find("unknown reason") != std::string::npos);
    CHECK(read.error().text.find('\x1b') == std::string::npos);
  }
  const auto read = read_enrollment_answer(answer(403, std::string(60000, 'x')), order_of_alice());
  CHECK(read.error().text.size() < 300);
}

TEST_CASE("a server that is busy says when to come again; one with a fault of its own may be well later") {
  auto busy = answer(429);
  busy.retry_after = 30s;
  auto read = read_enrollment_answer(busy, order_of_alice());
  REQUIRE_FALSE(read);
  CHECK(read.error().fault == EnrollmentFault::busy);
  CHECK(read.error().retry_after == 30s);
  CHECK(read.error().text.find("in 30 s") != std::string::npos);
  CHECK(read_enrollment_answer(answer(503), order_of_alice()).error().fault == EnrollmentFault::busy);
  CHECK(read_enrollment_answer(answer(500), order_of_alice()).error().fault == EnrollmentFault::unreachable);
  CHECK(read_enrollment_answer(answer(404), order_of_alice()).error().fault == EnrollmentFault::refused);
  auto moved = answer(302);
  moved.elsewhere = "https://evil.example/";
  CHECK(read_enrollment_answer(moved, order_of_alice()).error().text.find("not followed") != std::string::npos);
}

TEST_CASE("6940-11.3-27: a certificate is what comes with 200 as application/pkix-cert, and nothing else") {
  CHECK(read_enrollment_answer(answer(200, "DER", "application/pkix-cert"), order_of_alice()));
  CHECK(read_enrollment_answer(answer(200, "DER", "Application/PKIX-Cert; a=b"), order_of_alice()));
  for (const std::string type : {"", "text/html", "application/pkix-certificate", "application/x-x509-ca-cert"}) {
    const auto read = read_enrollment_answer(answer(200, "DER", type), order_of_alice());
    REQUIRE_FALSE(read);
    CHECK(read.error().fault == EnrollmentFault::certificate);
  }
  CHECK_FALSE(read_enrollment_answer(answer(201, "DER", "application/pkix-cert"), order_of_alice()));
}

TEST_CASE("6940-11.3-31: the certificate must chain to a root-cert, and be what was asked for") {
  kit::Fixture overlay("net.example");
  const auto config = overlay.config_ptr();
  const EnrollmentOrder order = order_of_alice();
  const auto check = [&](const security::CredentialPtr& issued, const EnrollmentOrder& asked) {
    return check_enrolled(issued->certificate->der.view(), issued->key, asked, config, kit::kTestNow, overlay.crypto());
  };
  const auto good = overlay.issue(kit::node_number(7), kUser);
  const auto enrolled = check(good, order);
  REQUIRE(enrolled);
  CHECK((*enrolled)->node_id == kit::node_number(7));
  CHECK((*enrolled)->certificate->user_name == kUser);

  const auto refused = [&](const Enrolled& result, const std::string& why) {
    REQUIRE_FALSE(result);
    CHECK(result.error().fault == EnrollmentFault::certificate);
    CHECK_MESSAGE(result.error().text.find(why) != std::string::npos, result.error().text);
  };
  refused(check(overlay.from_other_authority(kit::node_number(7), kUser), order), "does not chain to a root-cert");
  refused(check(overlay.expired(kit::node_number(7), kUser), order), "expired");
  refused(check(overlay.not_yet_valid(kit::node_number(7), kUser), order), "not valid yet");
  refused(check(overlay.issue(kit::node_number(7), "bob@net.example"), order), "not of alice@net.example");
  refused(check(overlay.issue({kit::node_number(7), kit::node_number(8)}, kUser), order), "2 Node-IDs");
  EnrollmentOrder two = order;
  two.node_ids = 2;
  CHECK(check(overlay.issue({kit::node_number(7), kit::node_number(8)}, kUser), two));
  refused(check(good, two), "1 Node-IDs, not 2");
  auto elsewhere = overlay.spec({kit::node_number(7)}, kUser);
  elsewhere.overlay = "other.example";
  refused(check(overlay.issue(elsewhere), order), "is of overlay other.example");
  // 6940 11.3: the issuer must be a CA by BasicConstraints.
  const kit::Authority no_ca("no ca", KeyType::ecdsa_p256, &overlay.authority(), {}, kit::kValidFrom, kit::kValidTo,
                             false);
  refused(check(no_ca.issue(overlay.spec({kit::node_number(7)}, kUser)), order), "does not chain to a root-cert");
  refused(check_enrolled(good->certificate->der.view(), *generate_private_key(KeyType::ecdsa_p256), order, config,
                         kit::kTestNow, overlay.crypto()),
          "another key");
  refused(check_enrolled(Bytes(100, 0x30), good->key, order, config, kit::kTestNow, overlay.crypto()), "no X.509");
  auto banning = overlay.config();
  banning.bad_nodes = {kit::node_number(7)};
  refused(check_enrolled(good->certificate->der.view(), good->key, order,
                         std::make_shared<config::OverlayConfig>(banning), kit::kTestNow, overlay.crypto()),
          "bad-node");
}

TEST_CASE("without an enrollment-server in the document nothing is asked for") {
  kit::Fixture overlay("net.example");
  const auto result = enroll(order_of_alice(), overlay.config_ptr(), false, {});
  REQUIRE_FALSE(result);
  CHECK(result.error().fault == EnrollmentFault::no_server);
  CHECK(result.error().text.find("names no enrollment-server") != std::string::npos);
  CHECK(result.error().text.find("--credential") != std::string::npos);
}

TEST_CASE("6940-11.3-3: a server whose URL is not https is not asked") {
  kit::Fixture overlay("net.example");
  auto config = overlay.config();
  config.enrollment_servers = {"http://127.0.0.1:9/enroll"};
  std::vector<std::string> told;
  const auto result = enroll(order_of_alice(), std::make_shared<config::OverlayConfig>(config), false,
                             [&](const std::string& what) { told.push_back(what); });
  REQUIRE_FALSE(result);
  CHECK(result.error().text.find("is not an https URL") != std::string::npos);
  CHECK(told.empty());
}
