// Settings from the command line as a configuration.
#include <algorithm>

#include "certs/config_builder.hpp"
#include "certs/user_list.hpp"
#include "reload/config/xml_values.hpp"

namespace reload::certs {
namespace {

constexpr std::uint16_t kDefaultPort = 6084;  // 6940 11.1, bootstrap-node
constexpr std::uint16_t kFirstSequence = 1;

struct HostPort {
  std::string host;
  std::optional<std::string> port;
};

// [ADDR6]:PORT, [ADDR6], ADDR4:PORT, ADDR4 or a bare ADDR6, which has several colons.
HostPort split(const std::string& text) {
  if (text.starts_with('[') && text.ends_with(']')) return {text.substr(1, text.size() - 2), std::nullopt};
  const std::size_t bracket = text.find("]:");
  if (text.starts_with('[') && bracket != std::string::npos) {
    return {text.substr(1, bracket - 1), text.substr(bracket + 2)};
  }
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos || text.find(':', colon + 1) != std::string::npos) return {text, std::nullopt};
  return {text.substr(0, colon), text.substr(colon + 1)};
}

Result<config::DomainRestriction> domain_restriction(const std::vector<std::string>& domains) {
  config::DomainRestriction restriction;
  if (domains == std::vector<std::string>{"own"}) return restriction;
  restriction.enable = true;
  for (const std::string& domain : domains) {
    auto pattern = config::DomainPattern::compile(domain);
    if (!pattern) return failure("--domain-restriction " + domain + ": " + pattern.error().text);
    restriction.patterns.push_back(std::move(*pattern));
  }
  return restriction;
}

Result<config::Kind> sip_kind(const ConfigSettings& settings) {
  config::Kind kind = *config::KindRegistry::with_registered().find(wire::kKindSipRegistration);
  kind.max_count = settings.sip_max_count;
  kind.max_size = settings.sip_max_size;
  if (settings.domains.empty()) return kind;
  auto restriction = domain_restriction(settings.domains);
  if (!restriction) return tl::unexpected(restriction.error());
  kind.domain_restriction = std::move(*restriction);
  return kind;
}

}  // namespace

Result<wire::IpAddressPort> parse_bootstrap(const std::string& text) {
  const HostPort parts = split(text);
  const auto port = parts.port ? config::to_number("port", *parts.port, 1, 65535) : Result<std::uint64_t>(kDefaultPort);
  const auto address = port ? config::to_address("address", parts.host, static_cast<std::uint16_t>(*port))
                            : tl::unexpected(port.error());
  if (!address) return failure("--bootstrap " + text + ": expected ADDR[:PORT] or [ADDR6]:PORT, like 192.0.2.1:6084");
  return *address;
}

std::string to_text(const wire::IpAddressPort& address) {
  const std::string host = config::from_address(address);
  const bool six = address.type == wire::AddressType::ipv6;
  return (six ? "[" + host + "]" : host) + ":" + std::to_string(address.port);
}

Result<config::OverlayConfig> build_config(const ConfigSettings& settings) {
  const auto name = canonical_domain(settings.overlay);
  if (!name) return failure("--overlay " + name.error().text);
  config::OverlayConfig config;
  config.instance_name = *name;
  config.sequence = kFirstSequence;
  config.self_signed_digest = settings.self_signed;
  config.shared_secret = settings.shared_secret;
  for (const std::string& text : settings.bootstrap) {
    const auto address = parse_bootstrap(text);
    if (!address) return tl::unexpected(address.error());
    config.bootstrap_nodes.push_back(*address);
  }
  for (const std::string& url : settings.enrollment_servers) {
    if (!url.starts_with("https://") || url.size() == std::string_view("https://").size())
      return failure("--enrollment-server " + url + ": expected an https: URL, like https://" + *name + "/enroll");
    config.enrollment_servers.push_back(url);
  }
  config.clients_permitted = settings.clients;
  config.no_ice = settings.no_ice;
  config.link_protocols = {"TLS"};
  config.chord_update_interval = std::chrono::seconds(settings.chord_update_interval);
  config.chord_ping_interval = std::chrono::seconds(settings.chord_ping_interval);
  config.chord_reactive = settings.chord_reactive;
  config.max_message_size = settings.max_message_size;
  config.initial_ttl = static_cast<std::uint8_t>(settings.initial_ttl);
  config.reliability_timer = std::chrono::milliseconds(settings.reliability_timer_ms);
  auto kind = sip_kind(settings);
  if (!kind) return tl::unexpected(kind.error());
  config.kinds.add(std::move(*kind));
  return config;
}

}  // namespace reload::certs
