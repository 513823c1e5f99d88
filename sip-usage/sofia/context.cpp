#include "sip-usage/sofia/context.hpp"

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace reload::sip {

namespace {

std::string_view view(const char* text) { return text == nullptr ? std::string_view() : std::string_view(text); }

// Another port of our host is another's: of a phone on the same machine, mostly.
bool is_own_address(const Context& context, std::string_view host, std::string_view port) {
  const std::vector<ListenAddress>& listening = context.phones.listening();
  return std::any_of(listening.begin(), listening.end(), [&](const ListenAddress& address) {
    return uri_host(address.address) == host && (port.empty() || std::to_string(address.port) == port);
  });
}

}  // namespace

Mono mono_now() {
  return Mono(std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

std::string text_of(const url_t* url) {
  Home home;
  const char* text = url_as_string(home, url);
  return std::string(view(text));
}

std::optional<Aor> aor_of(const Context& context, const url_t* url) {
  if (url->url_type != url_sip && url->url_type != url_sips) return std::nullopt;
  std::optional<Aor> aor = parse_aor(text_of(url));
  if (aor && is_own_address(context, aor->host(), view(url->url_port)))
    aor->name = std::string(aor->user()) + '@' + context.overlay.overlay_name();
  return aor;
}

bool names_us(const Context& context, const url_t* url) {
  if (url->url_user != nullptr || (url->url_type != url_sip && url->url_type != url_sips)) return false;
  const std::string host = lower(view(url->url_host));
  if (host == context.overlay.overlay_name()) return true;
  const std::string port = url->url_port == nullptr ? "5060" : url->url_port;
  const std::vector<ListenAddress>& listening = context.phones.listening();
  return std::any_of(listening.begin(), listening.end(), [&](const ListenAddress& address) {
    return uri_host(address.address) == host && std::to_string(address.port) == port;
  });
}

bool served(const Context& context, const Aor& aor) {
  const std::optional<config::Kind> kind = context.overlay.kind(wire::kKindSipRegistration);
  return domain_admissible(aor.name, kind ? kind->domain_restriction : std::nullopt, context.overlay.overlay_name());
}

bool claims_user(const Context& context, const Aor& aor) {
  return aor.host() == context.overlay.overlay_name() || context.passwords.find(aor.name) != nullptr;
}

std::string contact_key(const url_t* url) {
  std::string key = std::string(view(url->url_user)) + '@' + lower(view(url->url_host)) + ':' +
                    (url->url_port == nullptr ? std::string("5060") : std::string(url->url_port));
  char transport[16] = {};
  const bool tcp = url->url_params != nullptr &&
                   url_param(url->url_params, "transport", transport, sizeof transport) > 0 &&
                   lower(transport) == "tcp";
  return key + (tcp ? "/tcp" : "/udp");
}

std::optional<DigestCredentials> credentials_in(const Context& context, const msg_auth_t* headers) {
  for (const msg_auth_t* header = headers; header != nullptr; header = header->au_next) {
    if (lower(view(header->au_scheme)) != "digest" || header->au_params == nullptr) continue;
    std::vector<std::string_view> parameters;
    for (const msg_param_t* parameter = header->au_params; *parameter != nullptr; ++parameter)
      parameters.emplace_back(*parameter);
    DigestCredentials credentials = read_credentials(parameters);
    if (credentials.realm == context.auth.realm()) return credentials;
  }
  return std::nullopt;
}

std::array<std::string, 2> challenges(const Context& context, bool stale) {
  const std::string nonce = context.auth.make_nonce(mono_now());
  const std::vector<DigestAlgorithm>& offered = context.options.digest;
  return {context.auth.challenge(offered.front(), nonce, stale),
          offered.size() > 1 ? context.auth.challenge(offered.back(), nonce, stale) : std::string()};
}

}  // namespace reload::sip
