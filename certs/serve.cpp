// reload-certs serve: the configuration and enrolment server (6940 11.2, 11.3).
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <iostream>
#include <thread>

#include "certs/commands.hpp"
#include "certs/enroller.hpp"
#include "certs/multipart_form.hpp"
#include "certs/tls_identity.hpp"
#include "certs/user_list.hpp"
#include "reload/config/xml_values.hpp"

namespace reload::certs {
namespace {

constexpr const char* kDocumentPath = "/.well-known/reload-config";
constexpr const char* kDocumentType = "application/p2p-overlay+xml";
constexpr const char* kCertificateType = "application/pkix-cert";
constexpr std::string_view kEnrollPath = "/enroll";
constexpr int kUpkeepSeconds = 60;

struct Address {
  std::string host;
  int port = 0;
};

Result<Address> parse_listen(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  std::string host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const auto port = colon == std::string::npos ? tl::unexpected(Failure{})
                                               : config::to_number("port", text.substr(colon + 1), 0, 65535);
  const auto address = config::to_address("address", host, 0);
  if (!port || !address)
    return failure("--listen " + text + ": expected ADDR:PORT or [ADDR6]:PORT, like 192.0.2.1:443");
  return Address{host, static_cast<int>(*port)};
}

std::string in_url(const std::string& host) { return host.find(':') == std::string::npos ? host : "[" + host + "]"; }

bool is_unspecified(const std::string& host) { return host == "0.0.0.0" || host == "::"; }

std::string_view after_scheme(std::string_view url) {
  const std::size_t at = url.find("://");
  return at == std::string_view::npos ? url : url.substr(at + 3);
}

std::string path_of(std::string_view url) {
  const std::string_view rest = after_scheme(url);
  const std::size_t slash = rest.find('/');
  return slash == std::string_view::npos ? "/" : std::string(rest.substr(slash, rest.find_first_of("?#") - slash));
}

std::string host_of(std::string_view url) {
  const std::string_view rest = after_scheme(url);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  if (authority.starts_with('[')) return std::string(authority.substr(1, authority.find(']') - 1));
  return std::string(authority.substr(0, authority.find(':')));
}

bool is_enroll_path(const OverlayState& state, const std::string& path) {
  return path == kEnrollPath || std::ranges::any_of(state.config->enrollment_servers,
                                                    [&](const std::string& url) { return path_of(url) == path; });
}

bool is_ip(const std::string& text) { return config::to_address("address", text, 0).has_value(); }

// 6940 11.3 wants the overlay's name; a client may look at the URL's host instead (T30).
Result<TlsNames> tls_names(const OverlayState& state, const ServeOptions& options, const std::string& listen) {
  TlsNames names{{state.config->instance_name}, {}};
  const auto add = [](std::vector<std::string>& list, const std::string& name) {
    if (std::ranges::find(list, name) == list.end()) list.push_back(name);
  };
  std::vector<std::string> given = options.tls_names;
  for (const std::string& url : state.config->enrollment_servers) given.push_back(host_of(url));
  for (const std::string& name : given) {
    if (is_ip(name)) {
      add(names.addresses, name);
      continue;
    }
    const auto domain = canonical_domain(name);
    if (!domain) return failure("--tls-name, or the host of an enrollment-server: " + domain.error().text);
    add(names.domains, *domain);
  }
  if (!is_unspecified(listen)) add(names.addresses, listen);
  return names;
}

class Service {
 public:
  Service(ServedOverlay& overlay, Enroller& enroller, HttpsServer& server) : overlay_(overlay), enroller_(enroller) {
    server.set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
      return admits(request, response) ? httplib::Server::HandlerResponse::Unhandled
                                       : httplib::Server::HandlerResponse::Handled;
    });
    server.Get(kDocumentPath, [this](const httplib::Request& request, httplib::Response& response) {
      give_document(request, response);
    });
    server.Post("/.*",
                [this](const httplib::Request& request, httplib::Response& response) { enroll(request, response); });
  }

 private:
  static void say(httplib::Response& response, int status, const std::string& text) {
    response.status = status;
    response.set_content(text, "text/plain");
  }
  static void give(httplib::Response& response, const EnrollAnswer& answer) {
    response.status = answer.status;
    response.set_content(answer.body, answer.status == 200 ? kCertificateType : "text/plain");
    if (answer.retry_after) response.set_header("Retry-After", std::to_string(answer.retry_after->count()));
  }

  // Before the body is read.
  bool admits(const httplib::Request& request, httplib::Response& response) {
    if (const auto refusal = enroller_.too_fast(request.remote_addr, now().mono)) {
      give(response, *refusal);
    } else if (request.method == "POST" && request.has_header("Content-Encoding")) {
      say(response, 415, "send the form without compression\n");
    } else if (request.method == "POST" &&
               (request.has_header("Transfer-Encoding") || !request.has_header("Content-Length"))) {
      say(response, 411, "say the length of the form\n");
    } else if (request.method == "POST" && request.get_header_value<std::uint64_t>("Content-Length") > kMaxBodyBytes) {
      say(response, 413, "the form is longer than " + std::to_string(kMaxBodyBytes) + " bytes\n");
    } else if (request.method != "GET" && request.method != "HEAD" && request.method != "POST") {
      say(response, 405, "only GET and POST\n");
      response.set_header("Allow", "GET, HEAD, POST");
    } else {
      return true;
    }
    return false;
  }

  void give_document(const httplib::Request& request, httplib::Response& response) {
    const OverlayStatePtr state = overlay_.now();
    // 6940 14.16: whoever asks here need not be a member.
    if (state->config->shared_secret)
      return say(response, 403, "the document holds a shared-secret: who runs the overlay gives it to its members\n");
    response.set_header("ETag", state->etag);
    const std::string known = request.get_header_value("If-None-Match");
    if (known == "*" || known.find(state->etag) != std::string::npos) {
      response.status = 304;
      return;
    }
    response.set_content(state->document, kDocumentType);
  }

  void enroll(const httplib::Request& request, httplib::Response& response) {
    if (!is_enroll_path(*overlay_.now(), request.path)) return say(response, 404, "nothing here\n");
    give(response, enroller_.answer(
                       {request.remote_addr, request.get_header_value(HttpsServer::kFormType), request.body}, now()));
  }

  static Now now() {
    return {Mono(std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch())),
            Wall(std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()))};
  }

  ServedOverlay& overlay_;
  Enroller& enroller_;
};

// SIGTERM and SIGINT come to the thread that waits for them, and to no other.
class EndSignals {
 public:
  EndSignals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGTERM);
    sigaddset(&set_, SIGINT);
    ::pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
  }
  static void raise() { ::kill(::getpid(), SIGTERM); }
  [[nodiscard]] bool came_within(int seconds) const {
    const timespec time{seconds, 0};
    return ::sigtimedwait(&set_, nullptr, &time) > 0;
  }

 private:
  sigset_t set_{};
};

}  // namespace

Result<void> run_serve(const ServeOptions& options, const Streams& streams) {
  const auto wall = [] {
    return Wall(std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()));
  };
  // The hash of a password takes 19 MiB. With an arena for each thread that ever took one, the C library would keep as
  // many of these; a few are enough for those at work.
  ::mallopt(M_ARENA_MAX, 2);
  const EndSignals signals;
  const auto warn = [&](const std::string& text) { streams.log << "reload-certs: " + text + "\n" << std::flush; };
  const OverlayDir dir{options.dir};
  const auto listen = parse_listen(options.listen);
  if (!listen) return tl::unexpected(listen.error());
  const auto overlay = ServedOverlay::open(dir, warn);
  if (!overlay) return tl::unexpected(overlay.error());
  const auto accounts = Accounts::open(dir);
  if (!accounts) return tl::unexpected(accounts.error());
  const auto names = [&] { return tls_names(*(*overlay)->now(), options, listen->host); };
  const auto first_names = names();
  if (!first_names) return tl::unexpected(first_names.error());
  const auto identity = TlsIdentity::open(dir, options.tls_certificate, options.tls_key, *first_names, wall());
  if (!identity) return tl::unexpected(identity.error());

  AuditLog audit(options.audit.empty() ? dir.audit() : options.audit);
  EnrollSettings settings;
  settings.days = options.days;
  settings.max_node_ids = options.max_node_ids;
  settings.requests_per_second = options.rate;
  settings.at_work = std::max(1u, std::thread::hardware_concurrency());
  Enroller enroller(**overlay, **accounts, audit, settings, warn);
  HttpsServer server([&identity] { return (*identity)->context(); });
  const Service service(**overlay, enroller, server);
  int port = 0;
  if (!server.bind(listen->host, listen->port, port)) {
    return failure("--listen " + options.listen +
                   " cannot be opened: choose another port, or end the process that holds this one; the address must "
                   "be this machine's");
  }
  std::atomic<bool> broken = false;
  std::thread listener([&] {
    broken = !server.run();
    if (broken) EndSignals::raise();
  });
  const std::string base = "https://" + in_url(listen->host) + ":" + std::to_string(port);
  streams.out << "ready " << base << kDocumentPath << " " << base << kEnrollPath << std::endl;
  while (!signals.came_within(kUpkeepSeconds)) {
    if (auto done = (*accounts)->compact_if_worth(); !done) warn(done.error().text);
    // A new document may have another enrollment-server.
    const auto now = names();
    const auto done = now ? (*identity)->refresh(*now, wall()) : Result<void>(tl::unexpected(now.error()));
    if (!done) warn(done.error().text);
  }
  server.end();
  listener.join();
  if (broken) return failure("no connections can be taken any more at " + base + ": run the command again");
  return {};
}

}  // namespace reload::certs
