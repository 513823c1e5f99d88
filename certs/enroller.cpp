#include "certs/enroller.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "certs/signing_request.hpp"
#include "certs/user_list.hpp"
#include "reload/config/xml_values.hpp"
#include "reload/security/access_control.hpp"

namespace reload::certs {
namespace {

constexpr double kBurstSeconds = 10;
// A password of eight random letters stands for a million years at this pace; a person who mistypes does not notice.
constexpr double kFailuresAtOnce = 10;
constexpr double kFailuresPerSecond = 1.0 / 30;
// An address may be that of a whole company.
constexpr double kAddressFailuresAtOnce = 50;
constexpr double kAddressFailuresPerSecond = 1.0 / 3;
constexpr std::size_t kWaitingPerCore = 32;  // under a second's work
constexpr std::size_t kMaxAuditText = 320;
constexpr int kForbidden = 403;
constexpr int kBadRequest = 400;
constexpr int kTooManyRequests = 429;
constexpr int kUnavailable = 503;

EnrollAnswer refused(std::string_view token) { return {kForbidden, std::string(token), std::nullopt}; }

EnrollAnswer later(int status, std::chrono::seconds wait) {
  const std::string what = status == kUnavailable ? "the server is busy" : "too many requests";
  return {status, what + ": try again in " + std::to_string(wait.count()) + " s\n", wait};
}

std::optional<std::size_t> number_of_node_ids(const EnrollForm& form, std::size_t most) {
  if (!form.node_ids) return 1;
  std::size_t count = 0;
  const char* const end = form.node_ids->data() + form.node_ids->size();
  const auto [stop, error] = std::from_chars(form.node_ids->data(), end, count);
  if (error != std::errc() || stop != end || count < 1 || count > most) return std::nullopt;
  return count;
}

}  // namespace

// What becomes known of a request on its way, for the audit log.
struct Enroller::Decision {
  std::string account;
  std::string name;
  std::string device;
  std::string why;  // of a failure that has no token
  std::string serial;
  std::vector<NodeId> node_ids;

  [[nodiscard]] std::string line(const EnrollQuery& query, const EnrollAnswer& answer, Wall now) const {
    nlohmann::ordered_json json{{"time", config::from_time(now)}, {"address", query.address}};
    const auto add = [&](const char* key, const std::string& value) {
      if (!value.empty()) json[key] = value.substr(0, kMaxAuditText);
    };
    add("account", account);
    if (name != account) add("name", name);
    add("device", device);
    json["decision"] = answer.status == 200 ? "issued" : answer.status == kForbidden ? answer.body : "not decided";
    if (answer.status != 200) json["status"] = answer.status;
    add("why", why);
    add("serial", serial);
    for (const NodeId& id : node_ids) json["node_ids"].push_back(id.hex());
    return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  }
};

Enroller::Enroller(ServedOverlay& overlay, Accounts& accounts, AuditLog& audit, const EnrollSettings& settings,
                   ServedOverlay::Warn warn)
    : overlay_(overlay),
      accounts_(accounts),
      audit_(audit),
      settings_(settings),
      warn_(std::move(warn)),
      gate_(settings.at_work, settings.at_work * kWaitingPerCore),
      no_hash_(hash_password("no password is checked against this").value_or("")),
      by_address_(settings.requests_per_second * kBurstSeconds, settings.requests_per_second),
      by_account_(settings.requests_per_second * kBurstSeconds, settings.requests_per_second),
      failures_by_address_(kAddressFailuresAtOnce, kAddressFailuresPerSecond),
      failures_by_account_(kFailuresAtOnce, kFailuresPerSecond) {}

std::optional<EnrollAnswer> Enroller::too_fast(const std::string& address, Mono now) {
  const auto wait = by_address_.take(network_of(address), now);
  if (!wait) return std::nullopt;
  return later(kTooManyRequests, *wait);
}

EnrollAnswer Enroller::answer(const EnrollQuery& query, Now now) {
  Decision decision;
  EnrollAnswer answer = decide(query, now, decision);
  if (auto written = audit_.write(decision.line(query, answer, now.wall)); !written) {
    // What nobody can look up later is not given out.
    warn_(written.error().text);
    return {kUnavailable, "the server cannot keep its records\n", std::nullopt};
  }
  return answer;
}

EnrollAnswer Enroller::broken(const Failure& why, Decision& decision) const {
  warn_(why.text);
  decision.why = why.text;
  return {500, "the server has a fault: its operator finds it in its log\n", std::nullopt};
}

EnrollAnswer Enroller::decide(const EnrollQuery& query, Now now, Decision& decision) {
  const auto form = read_enroll_form(query.content_type, query.body);
  if (!form) {
    decision.why = form.error().text;
    return {kBadRequest, form.error().text + "\n", std::nullopt};
  }
  decision.account = std::string(form->user_name.substr(0, kMaxAuditText));
  decision.device = std::string(form->device);
  const OverlayStatePtr state = overlay_.now();
  // 6940 11.3: whoever is not known learns nothing else.
  if (auto denied = authenticate(*form, *state, network_of(query.address), now.mono, decision)) return *denied;
  return certify(*form, *state, now.wall, decision);
}

std::optional<EnrollAnswer> Enroller::authenticate(const EnrollForm& form, const OverlayState& state,
                                                   const std::string& address, Mono now, Decision& decision) {
  // The string preparation that 11.3 leaves to applications: a bare name is of the overlay, a domain in lower case.
  // Then names are compared byte by byte. A name that is none can have no account, and is counted as it came.
  const auto name = canonical_user_name(form.user_name, state.config->instance_name);
  if (name) decision.account = *name;
  const std::string key = decision.account;
  if (const auto wait = failures_by_address_.wait(address, now)) return later(kTooManyRequests, *wait);
  if (const auto wait = failures_by_account_.wait(key, now)) return later(kTooManyRequests, *wait);
  if (const auto wait = by_account_.take(key, now)) return later(kTooManyRequests, *wait);
  const auto account = name ? accounts_.find(*name) : Result<std::optional<Account>>(std::nullopt);
  if (!account) return broken(account.error(), decision);

  const auto turn = gate_.enter();
  if (!turn) return later(kUnavailable, std::chrono::seconds(1));
  const bool known = account->has_value() && !(*account)->disabled;
  const auto right = verify_password(known ? (*account)->password_hash : no_hash_, form.password);
  if (!right) return broken(right.error(), decision);
  if (known && *right) return std::nullopt;
  failures_by_address_.charge(address, now);
  failures_by_account_.charge(key, now);
  return refused(kFailedAuthentication);
}

// A user's own name; of others those that there are and that the operator has said it hosts.
Result<bool> Enroller::may_have(const std::string& name, const std::string& account, const OverlayState& state) {
  if (!security::domain_admissible(*state.config, std::string_view(name).substr(name.find('@') + 1))) return false;
  if (name == account) return true;
  const auto host = accounts_.find(account);
  if (!host) return tl::unexpected(host.error());
  const bool hosts = *host && std::ranges::any_of((*host)->hosts, [&](const std::string& pattern) {
    return matches_pattern(pattern, name);
  });
  if (!hosts) return false;
  const auto hosted = accounts_.find(name);
  if (!hosted) return tl::unexpected(hosted.error());
  return hosted->has_value() && !(*hosted)->disabled;
}

EnrollAnswer Enroller::certify(const EnrollForm& form, const OverlayState& state, Wall now, Decision& decision) {
  const auto request = form.csr ? parse_signing_request(*form.csr)
                                : Result<SigningRequest>(failure("there is no part csr of type application/pkcs10"));
  if (!request) {
    decision.why = request.error().text;
    return refused(kBadCsr);
  }
  decision.name = request->user_names.empty() ? decision.account : request->user_names.front();
  const auto name = canonical_user_name(decision.name, state.config->instance_name);
  if (!name || request->user_names.size() > 1) return refused(kUsernameNotAvailable);
  decision.name = *name;
  const auto granted = may_have(*name, decision.account, state);
  if (!granted) return broken(granted.error(), decision);
  if (!*granted) return refused(kUsernameNotAvailable);

  const auto count = number_of_node_ids(form, settings_.max_node_ids);
  if (!count) return refused(kNodeIdsNotAvailable);
  const std::string host = *name == decision.account ? "" : decision.account;
  const auto assigned = accounts_.assign(
      {*name, host, decision.device, *count}, [&] { return state.authority.new_node_id(); },
      [&](const NodeId& id) { return state.config->is_bad_node(id); });
  if (!assigned) return broken(assigned.error(), decision);
  if (const auto* not_assigned = std::get_if<NotAssigned>(&*assigned)) {
    if (*not_assigned == NotAssigned::no_account) return refused(kUsernameNotAvailable);
    decision.why = *not_assigned == NotAssigned::revoked ? "a Node-ID of this device is a bad-node"
                                                         : "the user has too many devices";
    return refused(kNodeIdsNotAvailable);
  }
  decision.node_ids = std::get<std::vector<NodeId>>(*assigned);
  const auto certified =
      state.authority.certify({*name, decision.node_ids}, *request->key, validity_for(now, settings_.days));
  if (!certified) return broken(certified.error(), decision);
  // A certificate that nobody got is harmless, one that nobody knows of is not.
  if (auto kept = append_lines(overlay_.dir().records(), kPrivateMode, certified->record()); !kept)
    return broken(kept.error(), decision);
  decision.serial = certified->serial;
  return {200, std::string(as_text(certified->certificate)), std::nullopt};
}

}  // namespace reload::certs
