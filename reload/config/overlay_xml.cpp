#include "reload/config/overlay_xml.hpp"

#include <algorithm>

#include "reload/base/check.hpp"
#include "reload/base/limits.hpp"
#include "reload/config/kind_reader.hpp"
#include "reload/config/xml_tree.hpp"
#include "reload/config/xml_values.hpp"

namespace reload::config {

namespace {

constexpr std::uint16_t kDefaultPort = 6084;  // 6940 14.2
constexpr std::uint16_t kMaxSequence = 65534;
constexpr std::uint64_t kMaxSeconds = 365 * 86400;  // of the chord intervals

// Reads one configuration element. Each child has a row in `kReaders`; what has no row is foreign or of a later version
// and is passed over (what must not be passed over is named in mandatory-extension).
class Reader {
 public:
  Reader(const XmlElement& element, ByteView document) : element_(element), document_(document) {}

  Result<OverlayConfig> read() {
    if (auto done = read_attributes(); !done) return tl::unexpected(done.error());
    // Node-IDs are as long as node-id-length says, wherever it stands.
    for (const XmlElement& child : element_.children) {
      if (!child.is(kBaseSpace, "node-id-length")) continue;
      if (auto done = read_node_id_length(child); !done) return tl::unexpected(done.error());
    }
    for (const XmlElement& child : element_.children) {
      const Row* row = find_row(child);
      if (row == nullptr) continue;
      const auto index = static_cast<std::size_t>(row - kReaders);
      if (!row->repeats && seen_[index])
        return failure(std::string(row->name) + " stands more than once in the configuration of " +
                       config_.instance_name);
      seen_[index] = true;
      if (auto done = (this->*row->read)(child); !done) return tl::unexpected(done.error());
    }
    return finish();
  }

 private:
  using Read = Result<void> (Reader::*)(const XmlElement&);
  struct Row {
    std::string_view space;
    std::string_view name;
    bool repeats;
    Read read;
  };
  static constexpr std::size_t kRows = 23;
  static const Row kReaders[kRows];

  static const Row* find_row(const XmlElement& child) {
    const auto* row = std::find_if(std::begin(kReaders), std::end(kReaders),
                                   [&](const Row& candidate) { return child.is(candidate.space, candidate.name); });
    return row == std::end(kReaders) ? nullptr : row;
  }

  Result<void> read_attributes() {
    const std::string* name = element_.attribute("instance-name");
    if (name == nullptr) return failure("a configuration element has no attribute instance-name");
    if (!is_overlay_name(*name))
      return failure("instance-name is \"" + name->substr(0, limits::kMaxDomainName) +
                     "\"; it must have the form of a DNS name");
    config_.instance_name = *name;
    const std::string* sequence = element_.attribute("sequence");
    if (sequence == nullptr)
      return failure("the configuration of " + *name + " has no attribute sequence; give it one, 0 to 65534");
    if (auto done = number("attribute sequence", *sequence, 0, kMaxSequence, config_.sequence); !done) return done;
    if (const std::string* expiration = element_.attribute("expiration")) {
      const auto time = to_time("attribute expiration", *expiration);
      if (!time) return tl::unexpected(time.error());
      config_.expiration = *time;
    }
    return {};
  }

  template <class Integer>
  static Result<void> number(std::string_view name, std::string_view text, std::uint64_t least, std::uint64_t most,
                             Integer& target) {
    const auto value = to_number(name, text, least, most);
    if (!value) return tl::unexpected(value.error());
    target = static_cast<Integer>(*value);
    return {};
  }
  static Result<void> boolean(std::string_view name, std::string_view text, bool& target) {
    const auto value = to_boolean(name, text);
    if (!value) return tl::unexpected(value.error());
    target = *value;
    return {};
  }
  static Result<void> seconds(const XmlElement& element, std::chrono::seconds& target) {
    std::int64_t value = 0;
    if (auto done = number(element.name, element.text, 1, kMaxSeconds, value); !done) return done;
    target = std::chrono::seconds(value);
    return {};
  }
  Result<void> node_id(const XmlElement& element, std::vector<NodeId>& list) const {
    const auto id = to_node_id(element.name, element.text, config_.node_id_length);
    if (!id) return tl::unexpected(id.error());
    list.push_back(*id);
    return {};
  }

  Result<void> read_node_id_length(const XmlElement& element) {
    return number("node-id-length", element.text, NodeId::kMinSize, NodeId::kMaxSize, config_.node_id_length);
  }
  Result<void> topology_plugin(const XmlElement& element) {
    config_.topology_plugin = element.text;
    return {};
  }
  Result<void> root_cert(const XmlElement& element) {
    auto der = to_binary("root-cert", element.text);
    if (!der) return tl::unexpected(der.error());
    config_.root_certs.push_back(std::move(*der));
    return {};
  }
  Result<void> enrollment_server(const XmlElement& element) {
    // The text speaks of a "url" element inside, the grammar and the example of the element's own text (T58).
    std::string url = element.text;
    for (const XmlElement& child : element.children)
      if (child.is(kBaseSpace, "url")) url = child.text;
    if (!url.starts_with("https://"))
      return failure("enrollment-server is \"" + url.substr(0, limits::kMaxDomainName) +
                     "\"; it must be an https: URL");
    config_.enrollment_servers.push_back(std::move(url));
    return {};
  }
  Result<void> self_signed_permitted(const XmlElement& element) {
    bool permitted = false;
    if (auto done = boolean("self-signed-permitted", element.text, permitted); !done) return done;
    if (!permitted) return {};
    const std::string* digest = element.attribute("digest");
    if (digest == nullptr)
      return failure("self-signed-permitted is true and has no attribute digest; it must be sha1 or sha256");
    if (*digest == "sha1") {
      config_.self_signed_digest = NodeIdDigest::sha1;
    } else if (*digest == "sha256") {
      config_.self_signed_digest = NodeIdDigest::sha256;
    } else {
      config_.unsupported.push_back("digest \"" + *digest + "\" of self-signed-permitted; sha1 and sha256 are");
    }
    return {};
  }
  Result<void> bootstrap_node(const XmlElement& element) {
    const std::string* address = element.attribute("address");
    if (address == nullptr) return failure("a bootstrap-node has no attribute address");
    std::uint16_t port = kDefaultPort;
    if (const std::string* text = element.attribute("port"))
      if (auto done = number("attribute port of bootstrap-node", *text, 1, UINT16_MAX, port); !done) return done;
    auto node = to_address("attribute address of bootstrap-node", *address, port);
    if (!node) return tl::unexpected(node.error());
    config_.bootstrap_nodes.push_back(*node);
    return {};
  }
  Result<void> turn_density(const XmlElement& element) {
    return number("turn-density", element.text, 0, UINT8_MAX, config_.turn_density);
  }
  Result<void> clients_permitted(const XmlElement& element) {
    return boolean("clients-permitted", element.text, config_.clients_permitted);
  }
  Result<void> no_ice(const XmlElement& element) { return boolean("no-ice", element.text, config_.no_ice); }
  Result<void> chord_update_interval(const XmlElement& element) {
    return seconds(element, config_.chord_update_interval);
  }
  Result<void> chord_ping_interval(const XmlElement& element) { return seconds(element, config_.chord_ping_interval); }
  Result<void> chord_reactive(const XmlElement& element) {
    return boolean("chord-reactive", element.text, config_.chord_reactive);
  }
  Result<void> shared_secret(const XmlElement& element) {
    config_.shared_secret = element.text;
    return {};
  }
  Result<void> max_message_size(const XmlElement& element) {
    std::uint32_t size = 0;
    if (auto done = number("max-message-size", element.text, 1, UINT32_MAX, size); !done) return done;
    config_.max_message_size = std::min(size, static_cast<std::uint32_t>(limits::kMaxFrameMessage));
    return {};
  }
  Result<void> initial_ttl(const XmlElement& element) {
    return number("initial-ttl", element.text, 1, UINT8_MAX, config_.initial_ttl);
  }
  Result<void> reliability_timer(const XmlElement& element) {
    std::int64_t value = 0;
    if (auto done = number("overlay-reliability-timer", element.text, 200, 1000 * kMaxSeconds, value); !done)
      return done;
    config_.reliability_timer = std::chrono::milliseconds(value);
    return {};
  }
  Result<void> link_protocol(const XmlElement& element) {
    config_.link_protocols.push_back(element.text);
    return {};
  }
  Result<void> configuration_signer(const XmlElement& element) {
    return node_id(element, config_.configuration_signers);
  }
  Result<void> kind_signer(const XmlElement& element) { return node_id(element, config_.kind_signers); }
  Result<void> bad_node(const XmlElement& element) { return node_id(element, config_.bad_nodes); }
  Result<void> mandatory_extension(const XmlElement& element) {
    config_.mandatory_extensions.push_back(element.text);
    return {};
  }
  Result<void> required_kinds(const XmlElement& element) {
    const KindRegistry registered = KindRegistry::with_registered();
    std::vector<KindId> read;
    for (const XmlElement& block : element.children) {
      if (!block.is(kBaseSpace, "kind-block")) continue;
      if (read.size() == limits::kMaxConfiguredKinds)
        return failure("required-kinds has more than " + std::to_string(limits::kMaxConfiguredKinds) + " kind-blocks");
      const std::size_t unsupported = config_.unsupported.size();
      auto kind = read_kind_block(block, document_, registered, config_.unsupported);
      if (!kind) return tl::unexpected(kind.error());
      if (config_.unsupported.size() > unsupported) continue;
      if (std::find(read.begin(), read.end(), kind->id) != read.end())
        return failure("required-kinds defines kind " + std::to_string(kind->id.value) + " twice");
      read.push_back(kind->id);
      config_.kinds.add(std::move(*kind));
    }
    return {};
  }

  Result<OverlayConfig> finish() {
    if (config_.link_protocols.empty()) config_.link_protocols = {"TLS"};
    std::sort(config_.bad_nodes.begin(), config_.bad_nodes.end());
    const auto unsupported = [&](std::string what) { config_.unsupported.push_back(std::move(what)); };
    if (config_.topology_plugin != "CHORD-RELOAD")
      unsupported("topology-plugin \"" + config_.topology_plugin + "\"; only CHORD-RELOAD is");
    // T54: Chord's ring has 2^128 points.
    if (config_.node_id_length != NodeId::kMinSize)
      unsupported("node-id-length " + std::to_string(config_.node_id_length) + "; only 16 is, with CHORD-RELOAD");
    if (std::find(config_.link_protocols.begin(), config_.link_protocols.end(), "TLS") == config_.link_protocols.end())
      unsupported("overlay-link-protocol \"" + config_.link_protocols.front() + "\"; only TLS is");
    for (const std::string& space : config_.mandatory_extensions)
      if (space != kBaseSpace && space != kChordSpace && space != kSipSpace)
        unsupported("mandatory-extension \"" + space + "\"");
    config_.element.bytes = to_bytes(element_.bytes_in(document_));
    return std::move(config_);
  }

  const XmlElement& element_;
  ByteView document_;
  OverlayConfig config_;
  bool seen_[kRows] = {};
};

constexpr Reader::Row Reader::kReaders[kRows] = {
    {kBaseSpace, "node-id-length", false, &Reader::read_node_id_length},
    {kBaseSpace, "topology-plugin", false, &Reader::topology_plugin},
    {kBaseSpace, "topology-plug-in", false, &Reader::topology_plugin},  // the text's spelling (T58)
    {kBaseSpace, "root-cert", true, &Reader::root_cert},
    {kBaseSpace, "enrollment-server", true, &Reader::enrollment_server},
    {kBaseSpace, "self-signed-permitted", false, &Reader::self_signed_permitted},
    {kBaseSpace, "bootstrap-node", true, &Reader::bootstrap_node},
    {kBaseSpace, "turn-density", false, &Reader::turn_density},
    {kBaseSpace, "clients-permitted", false, &Reader::clients_permitted},
    {kBaseSpace, "no-ice", false, &Reader::no_ice},
    {kChordSpace, "chord-update-interval", false, &Reader::chord_update_interval},
    {kChordSpace, "chord-ping-interval", false, &Reader::chord_ping_interval},
    {kChordSpace, "chord-reactive", false, &Reader::chord_reactive},
    {kBaseSpace, "shared-secret", false, &Reader::shared_secret},
    {kBaseSpace, "max-message-size", false, &Reader::max_message_size},
    {kBaseSpace, "initial-ttl", false, &Reader::initial_ttl},
    {kBaseSpace, "overlay-reliability-timer", false, &Reader::reliability_timer},
    {kBaseSpace, "overlay-link-protocol", true, &Reader::link_protocol},
    {kBaseSpace, "configuration-signer", true, &Reader::configuration_signer},
    {kBaseSpace, "kind-signer", true, &Reader::kind_signer},
    {kBaseSpace, "bad-node", true, &Reader::bad_node},
    {kBaseSpace, "mandatory-extension", true, &Reader::mandatory_extension},
    {kBaseSpace, "required-kinds", false, &Reader::required_kinds},
};

struct Found {
  const XmlElement* configuration = nullptr;
  std::vector<const XmlElement*> signatures;  // those between it and the next configuration
};

Result<Found> find_configuration(const XmlElement& root, std::string_view instance_name) {
  Found found;
  const XmlElement* current = nullptr;
  std::size_t count = 0;
  for (const XmlElement& child : root.children) {
    if (child.is(kBaseSpace, "configuration")) {
      if (++count > limits::kMaxConfigurations)
        return failure("the document has more than " + std::to_string(limits::kMaxConfigurations) + " configurations");
      current = &child;
      const std::string* name = child.attribute("instance-name");
      const bool wanted = instance_name.empty() ? count == 1 : name != nullptr && *name == instance_name;
      if (!wanted) continue;
      if (found.configuration != nullptr)
        return failure("the document has two configurations of overlay " + std::string(instance_name));
      found.configuration = current;
    } else if (child.is(kBaseSpace, "signature") && current != nullptr && current == found.configuration) {
      found.signatures.push_back(&child);
    }
  }
  if (found.configuration == nullptr)
    return failure(instance_name.empty()
                       ? std::string("the document has no configuration element")
                       : "the document has no configuration of overlay " + std::string(instance_name));
  return found;
}

}  // namespace

Result<ConfigPtr> read_config(ByteView document, std::string_view instance_name, const Sha1& sha1) {
  const auto root = parse_xml(document);
  if (!root) return tl::unexpected(root.error());
  if (!root->is(kBaseSpace, "overlay"))
    return failure("the root element is " + root->name + ", not overlay in namespace " + std::string(kBaseSpace));
  const auto found = find_configuration(*root, instance_name);
  if (!found) return tl::unexpected(found.error());
  auto config = Reader(*found->configuration, document).read();
  if (!config) return tl::unexpected(config.error());

  if (found->signatures.size() > limits::kMaxSignaturesOfElement)
    return failure("the configuration has more than " + std::to_string(limits::kMaxSignaturesOfElement) +
                   " signatures");
  for (const XmlElement* signature : found->signatures) {
    auto block = to_binary("signature", signature->text);
    if (!block) return tl::unexpected(block.error());
    config->element.signatures.push_back(std::move(*block));
  }
  config->document = to_bytes(document);
  const Bytes digest = sha1(as_bytes(config->instance_name));
  RELOAD_CHECK(digest.size() == 20);
  for (const std::uint8_t byte : ByteView(digest).last(4)) config->overlay_hash = config->overlay_hash << 8 | byte;
  return std::make_shared<const OverlayConfig>(std::move(*config));
}

Result<ConfigPtr> parse_config(ByteView document, std::string_view instance_name, const Sha1& sha1) {
  auto config = read_config(document, instance_name, sha1);
  if (config && !(*config)->unsupported.empty()) {
    std::string text = "the configuration of " + (*config)->instance_name + " demands what is not supported: ";
    for (std::size_t i = 0; i < (*config)->unsupported.size(); ++i)
      text += (i == 0 ? "" : "; ") + (*config)->unsupported[i];
    return failure(std::move(text));
  }
  return config;
}

Result<Kind> parse_kind_block(ByteView block) {
  // The block stands alone, so the namespaces that its document declared are declared around it.
  const std::string open = "<overlay xmlns=\"" + std::string(kBaseSpace) + "\" xmlns:chord=\"" +
                           std::string(kChordSpace) + "\" xmlns:sip=\"" + std::string(kSipSpace) + "\">";
  Bytes document = to_bytes(as_bytes(open));
  append(document, block);
  append(document, as_bytes("</overlay>"));
  const auto root = parse_xml(document);
  if (!root) return tl::unexpected(root.error());
  if (root->children.size() != 1 || !root->children.front().is(kBaseSpace, "kind-block"))
    return failure("a Kind's definition must be one kind-block element");
  std::vector<std::string> unsupported;
  auto kind = read_kind_block(root->children.front(), document, KindRegistry::with_registered(), unsupported);
  if (kind && !unsupported.empty()) return failure("not supported: " + unsupported.front());
  return kind;
}

}  // namespace reload::config
