#include "reload/io/enroll.hpp"

#include <algorithm>

#include "reload/base/limits.hpp"
#include "reload/io/csr.hpp"
#include "reload/io/dns.hpp"
#include "reload/io/system_clock.hpp"
#include "reload/io/uv_tcp.hpp"
#include "reload/security/trust.hpp"

namespace reload::io {

namespace {

constexpr std::string_view kCertificateType = "application/pkix-cert";
constexpr std::size_t kMaxTokenShown = 64;

tl::unexpected<EnrollmentFailure> failed(EnrollmentFault fault, std::string text,
                                         std::optional<Duration> retry_after = std::nullopt) {
  return tl::unexpected(EnrollmentFailure{fault, std::move(text), retry_after});
}

// What a server wrote, fit for a terminal.
std::string shown(std::string_view text) {
  std::string clean;
  for (const char c : text.substr(0, kMaxTokenShown)) clean += c >= ' ' && c <= '~' ? c : '?';
  return clean;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// Media types are compared without their parameters, and case does not count.
bool is_type(const std::string& given, std::string_view wanted) {
  const std::string_view bare = trimmed(std::string_view(given).substr(0, given.find(';')));
  return std::ranges::equal(bare, wanted, {},
                            [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
}

// 6940 11.3: the tokens of a refusal.
EnrollmentFailure refusal(std::string_view token, const EnrollmentOrder& order) {
  const std::string user = order.account;
  if (token == "failed_authentication")
    return {EnrollmentFault::authentication,
            "the enrollment server does not take the account " + user +
                " with this password: check --enroll-user and the file of --enroll-password-file",
            std::nullopt};
  if (token == "username_not_available")
    return {EnrollmentFault::user_name,
            "the enrollment server does not give the user name " + order.user_name + " to the account " + user +
                ": is it spelt as the operator made it, and does the overlay admit its domain?",
            std::nullopt};
  if (token == "Node-IDs_not_available")
    return {EnrollmentFault::node_ids,
            "the enrollment server gives the account " + user + " no " + std::to_string(order.node_ids) +
                (order.node_ids == 1 ? " Node-ID" : " Node-IDs") + " for the device '" + order.device +
                "': have the operator remove an old device, or name one with --enroll-device",
            std::nullopt};
  if (token == "bad_CSR")
    return {EnrollmentFault::request, "the enrollment server finds a fault in the certificate request (bad_CSR)",
            std::nullopt};
  return {EnrollmentFault::refused,
          "the enrollment server refuses for an unknown reason ('" + shown(token) + "'): ask its operator",
          std::nullopt};
}

// The way to one enrollment server, and the names that its certificate may have (T30): the URL's host, or the overlay.
class Server {
 public:
  Server(const std::string& url, const EnrollmentOrder& order, const std::string& overlay, ByteView csr, Mono end)
      : url_(url), overlay_(overlay), end_(end) {
    request_.ca_file = order.ca_file;
    request_.limit = limits::kMaxEnrollmentAnswerBytes;
    request_.form = enrollment_form(order, csr);
    request_.accept = kCertificateType;
  }

  tl::expected<HttpsAnswer, std::string> ask(const std::optional<wire::IpAddressPort>& server,
                                             const std::atomic<bool>& cancelled, const Progress& progress) {
    const auto host = host_of(url_);
    if (!host) return tl::unexpected(host.error().text);
    std::vector<wire::IpAddressPort> at;
    if (!host->is_address) {
      auto resolver = Resolver::make(server, cancelled);
      if (!resolver) return tl::unexpected(resolver.error().text);
      auto found = (*resolver)->addresses(host->host, host->port);
      if (!found) return tl::unexpected(found.error().text);
      if (found->empty()) return tl::unexpected("DNS has no address for " + host->host);
      at = std::move(*found);
    }
    std::string faults = "no time is left";
    for (std::size_t i = 0; i < std::max<std::size_t>(at.size(), 1) && !cancelled; ++i) {
      request_.at = at.empty() ? std::nullopt : std::optional(at[i]);
      if (progress) progress("enrolling at " + url_ + (request_.at ? " at " + to_text(*request_.at) : ""));
      auto answer = exchange(*host, cancelled);
      if (answer) return answer;
      faults = std::move(answer.error());
    }
    return tl::unexpected(std::move(faults));
  }

 private:
  tl::expected<HttpsAnswer, std::string> exchange(const HttpsHost& host, const std::atomic<bool>& cancelled) {
    const std::string other = with_host(url_, overlay_);
    for (const std::string& url : {url_, other}) {
      request_.url = url;
      request_.time = end_ - system_now().mono;
      if (request_.time < 1ms) return tl::unexpected(std::string("no time is left"));
      if (url == other && !request_.at) {
        const auto address = parse_address(host.host, host.port);
        if (address) request_.at = *address;
      }
      auto answer = https_exchange(request_, cancelled);
      if (answer) return std::move(*answer);
      if (!answer.error().other_name) return tl::unexpected(std::move(answer.error().text));
    }
    return tl::unexpected("the server's certificate is neither for " + host.host + " nor for " + overlay_ +
                          ", so nothing was sent there: have its operator get one for either name");
  }

  std::string url_;
  std::string overlay_;
  Mono end_;
  HttpsRequest request_;
};

}  // namespace

std::vector<FormPart> enrollment_form(const EnrollmentOrder& order, ByteView csr) {
  std::vector<FormPart> form{{"username", order.account, {}}, {"password", order.password, {}}};
  if (order.node_ids > 1) form.push_back({"nodeids", std::to_string(order.node_ids), {}});
  if (!order.device.empty()) form.push_back({"device", order.device, {}});
  form.push_back({"csr", std::string(as_text(csr)), "application/pkcs10"});
  return form;
}

tl::expected<Bytes, EnrollmentFailure> read_enrollment_answer(HttpsAnswer answer, const EnrollmentOrder& order) {
  if (answer.status == 200) {
    if (is_type(answer.type, kCertificateType)) return std::move(answer.body);
    return failed(EnrollmentFault::certificate, "the answer is of type '" + shown(answer.type) +
                                                    "' and no certificate (" + std::string(kCertificateType) +
                                                    "): is this URL in the document that of an enrollment server?");
  }
  if (answer.status == 403) return tl::unexpected(refusal(trimmed(as_text(answer.body)), order));
  const std::string says = "the enrollment server answers " + std::to_string(answer.status);
  if (answer.status == 429 || answer.status == 503) {
    const auto seconds =
        std::chrono::duration_cast<std::chrono::seconds>(answer.retry_after.value_or(Duration::zero())).count();
    return failed(EnrollmentFault::busy,
                  says + ": too many requests" +
                      (answer.retry_after ? "; try again in " + std::to_string(seconds) + " s" : "; try again later"),
                  answer.retry_after);
  }
  if (!answer.elsewhere.empty())
    return failed(EnrollmentFault::refused, says + " to lead elsewhere, which is not followed");
  return failed(answer.status >= 500 ? EnrollmentFault::unreachable : EnrollmentFault::refused, says);
}

Enrolled check_enrolled(ByteView certificate, PrivateKeyPtr key, const EnrollmentOrder& order,
                        const config::ConfigPtr& config, Wall now, const security::Crypto& crypto) {
  const auto bad = [](const std::string& why) {
    return failed(EnrollmentFault::certificate, "the certificate that the enrollment server sent is not used: " + why);
  };
  auto parsed = crypto.parse_certificate(certificate, config->node_id_length);
  if (!parsed) return bad(parsed.error().text);
  const security::Certificate& own = **parsed;
  if (!is_key_of(*key, own)) return bad("it is for another key than the one it was asked for");
  const auto trust = security::Trust::make(config, crypto);
  if (!trust) return bad(trust.error().text);
  if (const auto good = (*trust)->check(own, {}, now, crypto); !good) return bad(good.error().text);
  if (own.user_name != order.user_name)
    return bad("it is of " + own.user_name + ", not of " + order.user_name + ", who was asked for");
  if (own.node_ids.size() != order.node_ids)
    return bad("it has " + std::to_string(own.node_ids.size()) + " Node-IDs, not " + std::to_string(order.node_ids));
  auto credential = std::make_shared<security::Credential>();
  credential->node_id = own.node_ids.front();
  credential->key = std::move(key);
  credential->certificate = std::move(*parsed);
  return security::CredentialPtr(std::move(credential));
}

Enrolled enroll(const EnrollmentOrder& order, const config::ConfigPtr& config, const std::atomic<bool>& cancelled,
                const Progress& progress) {
  if (config->enrollment_servers.empty())
    return failed(EnrollmentFault::no_server,
                  "the configuration document of " + config->instance_name +
                      " names no enrollment-server, so --enroll-user can't be used: name a file of reload-certs issue "
                      "with --credential, or have the operator put an enrollment-server into the document");
  auto key = generate_private_key(order.key_type);
  if (!key) return failed(EnrollmentFault::request, key.error().text);
  const auto csr = make_csr(**key, order.user_name);
  if (!csr) return failed(EnrollmentFault::request, csr.error().text);
  const Mono end = system_now().mono + limits::kEnrollmentTime;
  EnrollmentFailure last;
  for (const std::string& url : config->enrollment_servers) {
    auto answer = Server(url, order, config->instance_name, *csr, end).ask(order.dns_server, cancelled, progress);
    if (cancelled) return failed(EnrollmentFault::cancelled, "cancelled");
    if (!answer) {
      last = {EnrollmentFault::unreachable, url + ": " + answer.error(), std::nullopt};
      continue;
    }
    const auto certificate = read_enrollment_answer(std::move(*answer), order);
    if (certificate) {
      auto enrolled = check_enrolled(*certificate, *key, order, config, system_now().wall, OpensslCrypto());
      if (!enrolled) enrolled.error().text = url + ": " + enrolled.error().text;
      return enrolled;
    }
    last = certificate.error();
    last.text = url + ": " + last.text;
    if (last.fault != EnrollmentFault::busy && last.fault != EnrollmentFault::unreachable) break;
  }
  return tl::unexpected(std::move(last));
}

}  // namespace reload::io
