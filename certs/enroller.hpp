// The enrolment server's decisions (6940 11.3): who gets a certificate for which key, with which names. No HTTP here.
#pragma once

#include "certs/accounts.hpp"
#include "certs/audit_log.hpp"
#include "certs/enroll_form.hpp"
#include "certs/password_hash.hpp"
#include "certs/served_overlay.hpp"
#include "certs/token_buckets.hpp"

namespace reload::certs {

struct EnrollSettings {
  unsigned days = 7;  // there is no revocation but bad-node, so that certificates are short (6940 13.3)
  std::size_t max_node_ids = 4;
  double requests_per_second = 50;  // of an address or account; ten times that at once
  std::size_t at_work = 1;          // passwords checked at the same time: the cores
};

// The tokens of 11.3, in the body of a 403.
inline constexpr std::string_view kFailedAuthentication = "failed_authentication";
inline constexpr std::string_view kUsernameNotAvailable = "username_not_available";
inline constexpr std::string_view kNodeIdsNotAvailable = "Node-IDs_not_available";
inline constexpr std::string_view kBadCsr = "bad_CSR";

struct EnrollQuery {
  std::string address;  // whence, as text
  std::string_view content_type;
  std::string_view body;
};

struct EnrollAnswer {
  int status = 200;
  std::string body;  // text, or the certificate's DER when the status is 200
  std::optional<std::chrono::seconds> retry_after;
};

class Enroller {
 public:
  Enroller(ServedOverlay& overlay, Accounts& accounts, AuditLog& audit, const EnrollSettings& settings,
           ServedOverlay::Warn warn);

  // None if the address may go on.
  [[nodiscard]] std::optional<EnrollAnswer> too_fast(const std::string& address, Mono now);
  // Decides and writes its line to the audit log. Safe to call from several threads; blocks for some 20 ms.
  [[nodiscard]] EnrollAnswer answer(const EnrollQuery& query, Now now);

 private:
  struct Decision;

  [[nodiscard]] EnrollAnswer decide(const EnrollQuery& query, Now now, Decision& decision);
  [[nodiscard]] std::optional<EnrollAnswer> authenticate(const EnrollForm& form, const OverlayState& state,
                                                         const std::string& address, Mono now, Decision& decision);
  [[nodiscard]] Result<bool> may_have(const std::string& name, const std::string& account, const OverlayState& state);
  [[nodiscard]] EnrollAnswer certify(const EnrollForm& form, const OverlayState& state, Wall now, Decision& decision);
  [[nodiscard]] EnrollAnswer broken(const Failure& why, Decision& decision) const;

  ServedOverlay& overlay_;
  Accounts& accounts_;
  AuditLog& audit_;
  const EnrollSettings settings_;
  ServedOverlay::Warn warn_;
  WorkGate gate_;
  std::string no_hash_;  // of no password; checked where there is no account, which then takes as long
  TokenBuckets by_address_;
  TokenBuckets by_account_;
  TokenBuckets failures_by_address_;
  TokenBuckets failures_by_account_;
};

}  // namespace reload::certs
