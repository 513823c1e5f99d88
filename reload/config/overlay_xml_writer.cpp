// OverlayConfig to a document: element names as the RFC's grammar has them, nothing that equals its default.
#include "reload/config/overlay_xml.hpp"
#include "reload/config/xml_values.hpp"

namespace reload::config {

namespace {

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

std::string_view digest_name(NodeIdDigest digest) { return digest == NodeIdDigest::sha1 ? "sha1" : "sha256"; }

class Document {
 public:
  void line(std::string_view text) {
    out_.append(indent_, ' ');
    out_ += text;
    out_ += '\n';
  }
  void open(std::string_view tag) {
    line("<" + std::string(tag) + ">");
    indent_ += 2;
  }
  void close(std::string_view name) {
    indent_ -= 2;
    line("</" + std::string(name) + ">");
  }
  void element(std::string_view name, std::string_view value) {
    const std::string tag(name);
    line("<" + tag + ">" + escaped(value) + "</" + tag + ">");
  }
  void number(std::string_view name, std::int64_t value) { element(name, std::to_string(value)); }
  void boolean(std::string_view name, bool value) { element(name, value ? "true" : "false"); }

  std::string take() { return std::move(out_); }

 private:
  std::string out_;
  std::size_t indent_ = 0;
};

void write_kind(Document& out, const Kind& kind) {
  out.open("kind-block");
  out.open(kind.name.empty() ? "kind id=\"" + std::to_string(kind.id.value) + "\""
                             : "kind name=\"" + escaped(kind.name) + "\"");
  out.element("data-model", name_of(kind.model));
  out.element("access-control", name_of(kind.policy));
  out.number("max-count", kind.max_count);
  out.number("max-size", kind.max_size);
  if (kind.policy == AccessPolicy::node_multiple) out.number("max-node-multiple", kind.max_node_multiple);
  if (kind.domain_restriction) {
    out.open("sip:domain-restriction enable=\"" + std::string(kind.domain_restriction->enable ? "true" : "false") +
             "\"");
    for (const DomainPattern& pattern : kind.domain_restriction->patterns) out.element("sip:pattern", pattern.text());
    out.close("sip:domain-restriction");
  }
  out.close("kind");
  out.close("kind-block");
}

bool is_as_registered(const Kind& kind, const KindRegistry& registered) {
  const Kind* known = registered.find(kind.id);
  return known != nullptr && known->max_count == kind.max_count && known->max_size == kind.max_size &&
         known->max_node_multiple == kind.max_node_multiple && !kind.domain_restriction;
}

void write_settings(Document& out, const OverlayConfig& config) {
  const OverlayConfig defaults;
  out.element("topology-plugin", config.topology_plugin);
  if (config.node_id_length != defaults.node_id_length)
    out.number("node-id-length", static_cast<std::int64_t>(config.node_id_length));
  for (const Bytes& root : config.root_certs) out.element("root-cert", to_base64(root));
  for (const std::string& server : config.enrollment_servers) out.element("enrollment-server", server);
  if (config.self_signed_digest)
    out.line("<self-signed-permitted digest=\"" + std::string(digest_name(*config.self_signed_digest)) +
             "\">true</self-signed-permitted>");
  for (const wire::IpAddressPort& node : config.bootstrap_nodes)
    out.line("<bootstrap-node address=\"" + from_address(node) + "\" port=\"" + std::to_string(node.port) + "\"/>");
  if (config.turn_density != defaults.turn_density) out.number("turn-density", config.turn_density);
  if (!config.clients_permitted) out.boolean("clients-permitted", false);
  if (config.no_ice) out.boolean("no-ice", true);
  if (config.chord_update_interval != defaults.chord_update_interval)
    out.number("chord:chord-update-interval", config.chord_update_interval.count());
  if (config.chord_ping_interval != defaults.chord_ping_interval)
    out.number("chord:chord-ping-interval", config.chord_ping_interval.count());
  if (!config.chord_reactive) out.boolean("chord:chord-reactive", false);
  if (config.shared_secret) out.element("shared-secret", *config.shared_secret);
  if (config.max_message_size != defaults.max_message_size) out.number("max-message-size", config.max_message_size);
  if (config.initial_ttl != defaults.initial_ttl) out.number("initial-ttl", config.initial_ttl);
  if (config.reliability_timer != defaults.reliability_timer)
    out.number("overlay-reliability-timer", config.reliability_timer.count());
  for (const std::string& protocol : config.link_protocols) out.element("overlay-link-protocol", protocol);
  for (const NodeId& id : config.configuration_signers) out.element("configuration-signer", id.hex());
  for (const NodeId& id : config.kind_signers) out.element("kind-signer", id.hex());
  for (const NodeId& id : config.bad_nodes) out.element("bad-node", id.hex());
  for (const std::string& space : config.mandatory_extensions) out.element("mandatory-extension", space);
}

}  // namespace

std::string write_config(const OverlayConfig& config) {
  Document out;
  out.line("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
  out.open("overlay xmlns=\"" + std::string(kBaseSpace) + "\" xmlns:chord=\"" + std::string(kChordSpace) +
           "\" xmlns:sip=\"" + std::string(kSipSpace) + "\"");
  std::string tag = "configuration instance-name=\"" + escaped(config.instance_name) + "\" sequence=\"" +
                    std::to_string(config.sequence) + "\"";
  if (config.expiration) tag += " expiration=\"" + from_time(*config.expiration) + "\"";
  out.open(tag);
  write_settings(out, config);
  const KindRegistry registered = KindRegistry::with_registered();
  out.open("required-kinds");
  for (const auto& [id, kind] : config.kinds)
    if (!is_as_registered(kind, registered)) write_kind(out, kind);
  out.close("required-kinds");
  out.close("configuration");
  out.close("overlay");
  return out.take();
}

}  // namespace reload::config
