#include "certs/authority.hpp"
#include "certs/config_builder.hpp"
#include "certs/describe.hpp"
#include "certs/overlay_dir.hpp"
#include "reload/config/xml_values.hpp"
#include "reload/security/config_signature.hpp"

namespace reload::certs {
namespace {

Json ids(const std::vector<NodeId>& list) {
  Json out = Json::array();
  for (const NodeId& id : list) out.push_back(id.hex());
  return out;
}

Json describe_restriction(const config::DomainRestriction& restriction) {
  if (!restriction.enable) return "the overlay's own domain";
  Json out = Json::array();
  for (const auto& pattern : restriction.patterns) out.push_back(pattern.text());
  return out;
}

Json describe_kind(const config::Kind& kind) {
  Json out;
  if (!kind.name.empty()) out["name"] = kind.name;
  out["id"] = kind.id.value;
  out["data_model"] = std::string(config::name_of(kind.model));
  out["access_control"] = std::string(config::name_of(kind.policy));
  out["max_count"] = kind.max_count;
  out["max_size"] = kind.max_size;
  if (kind.policy == config::AccessPolicy::node_multiple) out["max_node_multiple"] = kind.max_node_multiple;
  if (kind.domain_restriction) out["domain_restriction"] = describe_restriction(*kind.domain_restriction);
  return out;
}

Json describe_settings(const config::OverlayConfig& config) {
  Json out{{"overlay", config.instance_name}, {"sequence", config.sequence}};
  if (config.expiration) out["expiration"] = config::from_time(*config.expiration);
  out["topology_plugin"] = config.topology_plugin;
  out["node_id_length"] = config.node_id_length;
  Json bootstrap = Json::array();
  for (const auto& address : config.bootstrap_nodes) bootstrap.push_back(to_text(address));
  out["bootstrap_nodes"] = std::move(bootstrap);
  out["enrollment_servers"] = config.enrollment_servers;
  out["self_signed_permitted"] = config.self_signed_digest.has_value();
  out["clients_permitted"] = config.clients_permitted;
  out["no_ice"] = config.no_ice;
  out["link_protocols"] = config.link_protocols;
  out["shared_secret"] = config.shared_secret.has_value();  // whether, not what
  out["max_message_size"] = config.max_message_size;
  out["initial_ttl"] = config.initial_ttl;
  out["reliability_timer_ms"] = config.reliability_timer.count();
  out["chord_update_interval"] = config.chord_update_interval.count();
  out["chord_ping_interval"] = config.chord_ping_interval.count();
  out["chord_reactive"] = config.chord_reactive;
  out["turn_density"] = config.turn_density;
  out["configuration_signers"] = ids(config.configuration_signers);
  out["kind_signers"] = ids(config.kind_signers);
  out["bad_nodes"] = ids(config.bad_nodes);
  out["mandatory_extensions"] = config.mandatory_extensions;
  return out;
}

}  // namespace

Result<Json> describe_document(const std::string& text, Wall now, const security::Crypto& crypto) {
  const auto config = parse_document(text);
  if (!config) return tl::unexpected(config.error());
  const config::OverlayConfig& settings = **config;
  const auto trust = security::Trust::make(*config, crypto);
  const auto signature = [&](const config::SignedElement& element, std::span<const NodeId> signers) -> std::string {
    if (element.signatures.empty()) return "none";
    if (!trust) return "not checked: " + trust.error().text;
    const auto signer = security::verify_element(element, signers, **trust, now, crypto);
    return signer ? "valid, by " + signer->hex() : "invalid: " + signer.error().text;
  };
  Json out{{"type", "configuration"}};
  out.update(describe_settings(settings));
  out["signature"] = signature(settings.element, settings.configuration_signers);
  out["required_kinds"] = Json::array();
  for (const auto& [id, kind] : settings.kinds) {
    if (kind.kind_block.empty()) continue;
    Json described = describe_kind(kind);
    described["signature"] = signature(kind.element, settings.kind_signers);
    out["required_kinds"].push_back(std::move(described));
  }
  out["root_certificates"] = Json::array();
  for (const Bytes& der : settings.root_certs)
    out["root_certificates"].push_back(describe_certificate(der, now, crypto));
  if (!settings.unsupported.empty()) out["unsupported"] = settings.unsupported;
  return out;
}

}  // namespace reload::certs
