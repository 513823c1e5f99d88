// Getting a credential from the overlay's enrollment server (6940 11.3): a new key, one POST with a request for its
// certificate, and the checks of what comes back. It waits for the answer and so is for threads that may wait.
#pragma once

#include "reload/config/overlay_config.hpp"
#include "reload/io/config_source.hpp"
#include "reload/io/https.hpp"
#include "reload/io/openssl_crypto.hpp"

namespace reload::io {

struct EnrollmentOrder {
  std::string account;  // NAME@DOMAIN
  std::string password;
  std::string device;     // which of the account's devices this is; the server keeps Node-IDs for each
  std::string user_name;  // the one wanted in the certificate
  std::size_t node_ids = 1;
  KeyType key_type = KeyType::ecdsa_p256;
  std::string ca_file;
  std::optional<wire::IpAddressPort> dns_server;
};

enum class EnrollmentFault : std::uint8_t {
  no_server,       // the configuration document names none
  unreachable,     // no answer, or none from the right server
  busy,            // the server says that it has no time
  authentication,  // account and password are wrong
  user_name,
  node_ids,
  request,      // something else about it
  refused,      // for a reason that the server does not tell, or in a word that is not known here
  certificate,  // what came is not to be used
  cancelled,
};
struct EnrollmentFailure {
  EnrollmentFault fault = EnrollmentFault::refused;
  std::string text;  // names the option and the cure
  std::optional<Duration> retry_after;
};
using Enrolled = tl::expected<security::CredentialPtr, EnrollmentFailure>;

[[nodiscard]] Enrolled enroll(const EnrollmentOrder& order, const config::ConfigPtr& config,
                              const std::atomic<bool>& cancelled, const Progress& progress);

// The parts without a network.

[[nodiscard]] std::vector<FormPart> enrollment_form(const EnrollmentOrder& order, ByteView csr);
// The certificate in an answer, or what the answer means.
[[nodiscard]] tl::expected<Bytes, EnrollmentFailure> read_enrollment_answer(HttpsAnswer answer,
                                                                            const EnrollmentOrder& order);
// The credential of `key` and the certificate that came for it, if that is what was asked for and counts in this
// overlay now.
[[nodiscard]] Enrolled check_enrolled(ByteView certificate, PrivateKeyPtr key, const EnrollmentOrder& order,
                                      const config::ConfigPtr& config, Wall now, const security::Crypto& crypto);

}  // namespace reload::io
