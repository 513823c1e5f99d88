#include "reload/security/config_signature.hpp"

#include <algorithm>
#include <tuple>

#include "reload/base/limits.hpp"
#include "reload/config/overlay_xml.hpp"
#include "reload/config/xml_tree.hpp"
#include "reload/config/xml_values.hpp"
#include "reload/security/crypto_job.hpp"
#include "reload/security/message_auth.hpp"
#include "reload/wire/codec.hpp"

namespace reload::security {

namespace {

config::Sha1 sha1_of(const Crypto& crypto) {
  return [&crypto](ByteView bytes) { return crypto.hash(wire::HashAlgorithm::sha1, {bytes}); };
}

// Every Kind that came from the document, checked and with its signer noted.
Result<config::ConfigPtr> verify_kinds(const config::ConfigPtr& config, const Trust& trust, Wall now,
                                       const Crypto& crypto) {
  auto verified = std::make_shared<config::OverlayConfig>(*config);
  for (const auto& [id, kind] : config->kinds) {
    if (kind.kind_block.empty()) continue;
    const auto signer = verify_element(kind.element, config->kind_signers, trust, now, crypto);
    if (!signer)
      return failure("kind " + (kind.name.empty() ? std::to_string(id.value) : kind.name) + ": " + signer.error().text);
    config::Kind signed_kind = kind;
    signed_kind.signer = *signer;
    verified->kinds.add(std::move(signed_kind));
  }
  return config::ConfigPtr(std::move(verified));
}

// The base64 of a SecurityBlock over exactly `bytes`, with the certificates that its check needs.
Result<std::string> sign_bytes(ByteView bytes, const Credential& credential, const Crypto& crypto) {
  wire::SecurityBlock block;
  block.certificates.push_back({wire::CertificateType::x509, to_bytes(credential.certificate->der.view())});
  for (const CertificatePtr& intermediate : credential.intermediates)
    block.certificates.push_back({wire::CertificateType::x509, to_bytes(intermediate->der.view())});
  block.signature.hash = wire::HashAlgorithm::sha256;
  block.signature.algorithm = credential.certificate->key_algorithm;
  block.signature.identity = identity_of(credential, crypto);
  auto value = crypto.sign(*credential.key, bytes);
  if (!value) return tl::unexpected(value.error());
  block.signature.value = std::move(*value);
  return to_base64(wire::encode(block));
}

const config::XmlElement* child_of(const config::XmlElement& parent, std::string_view name) {
  for (const config::XmlElement& child : parent.children)
    if (child.is(config::kBaseSpace, name)) return &child;
  return nullptr;
}

// An element's name with the prefix that the document gives it, so that a new sibling gets the same one.
std::string prefix_of(std::string_view document, const config::XmlElement& element) {
  const std::string_view tag = document.substr(element.begin + 1, element.end - element.begin - 1);
  const std::size_t end = tag.find_first_of(" \t\r\n/>:");
  return end != std::string_view::npos && tag[end] == ':' ? std::string(tag.substr(0, end + 1)) : std::string();
}

// Text changes by position in the original, applied together.
class Edits {
 public:
  void remove(std::size_t begin, std::size_t end) { edits_.push_back({begin, end, {}}); }
  void insert(std::size_t at, std::string text) { edits_.push_back({at, at, std::move(text)}); }

  std::string apply(std::string_view original) {
    // By end too: what is put where a removal begins comes before it.
    std::sort(edits_.begin(), edits_.end(),
              [](const Edit& a, const Edit& b) { return std::tie(a.begin, a.end) < std::tie(b.begin, b.end); });
    std::string result;
    std::size_t at = 0;
    for (const Edit& edit : edits_) {
      result += original.substr(at, edit.begin - at);
      result += edit.text;
      at = edit.end;
    }
    result += original.substr(at);
    return result;
  }

 private:
  struct Edit {
    std::size_t begin;
    std::size_t end;
    std::string text;
  };
  std::vector<Edit> edits_;
};

Result<const config::XmlElement*> find_configuration(const config::XmlElement& root, std::string_view instance_name) {
  for (const config::XmlElement& child : root.children) {
    if (!child.is(config::kBaseSpace, "configuration")) continue;
    const std::string* name = child.attribute("instance-name");
    if (instance_name.empty() || (name != nullptr && *name == instance_name)) return &child;
  }
  return failure("the document has no configuration of overlay " + std::string(instance_name));
}

Result<std::string> sign_kinds(std::string_view document, std::string_view instance_name, const Credential& signer,
                               const Crypto& crypto) {
  const auto root = config::parse_xml(as_bytes(document));
  if (!root) return tl::unexpected(root.error());
  const auto configuration = find_configuration(*root, instance_name);
  if (!configuration) return tl::unexpected(configuration.error());
  Edits edits;
  const config::XmlElement* kinds = child_of(**configuration, "required-kinds");
  if (kinds == nullptr) return std::string(document);
  for (const config::XmlElement& block : kinds->children) {
    const config::XmlElement* kind = block.is(config::kBaseSpace, "kind-block") ? child_of(block, "kind") : nullptr;
    if (kind == nullptr) continue;
    for (const config::XmlElement& old : block.children)
      if (old.is(config::kBaseSpace, "kind-signature")) edits.remove(old.begin, old.end);
    const auto signature = sign_bytes(kind->bytes_in(as_bytes(document)), signer, crypto);
    if (!signature) return tl::unexpected(signature.error());
    const std::string tag = prefix_of(document, *kind) + "kind-signature";
    edits.insert(kind->end, "<" + tag + ">" + *signature + "</" + tag + ">");
  }
  return edits.apply(document);
}

Result<std::string> sign_configuration(std::string_view document, std::string_view instance_name,
                                       std::span<const Credential* const> signers, const Crypto& crypto) {
  const auto root = config::parse_xml(as_bytes(document));
  if (!root) return tl::unexpected(root.error());
  const auto configuration = find_configuration(*root, instance_name);
  if (!configuration) return tl::unexpected(configuration.error());
  Edits edits;
  bool behind = false;
  for (const config::XmlElement& child : root->children) {
    if (child.is(config::kBaseSpace, "configuration")) behind = &child == *configuration;
    if (behind && child.is(config::kBaseSpace, "signature")) edits.remove(child.begin, child.end);
  }
  const std::string tag = prefix_of(document, **configuration) + "signature";
  std::string signatures;
  for (const Credential* signer : signers) {
    const auto signature = sign_bytes((*configuration)->bytes_in(as_bytes(document)), *signer, crypto);
    if (!signature) return tl::unexpected(signature.error());
    signatures += "<" + tag + ">" + *signature + "</" + tag + ">";
  }
  edits.insert((*configuration)->end, std::move(signatures));
  return edits.apply(document);
}

// `config` with those Kinds of `old` that came in a ConfigUpdate and that its signers still vouch for.
config::ConfigPtr with_learnt_kinds(config::ConfigPtr config, const config::OverlayConfig& old, const Trust& trust,
                                    Wall now, const Crypto& crypto) {
  auto changed = std::make_shared<config::OverlayConfig>(*config);
  for (const auto& [id, kind] : old.kinds) {
    if (!kind.learnt || config->kinds.find(id) != nullptr) continue;
    auto still_good = accept_kind(kind.kind_block, trust, now, crypto);
    if (!still_good) continue;
    still_good->learnt = true;
    changed->kinds.add(std::move(*still_good));
  }
  return changed;
}

// Byte for byte, which spares the check of its signature.
bool is_known_block(const Bytes& block, const config::KindRegistry& kinds) {
  return std::any_of(kinds.begin(), kinds.end(), [&](const auto& entry) { return entry.second.kind_block == block; });
}

}  // namespace

Result<NodeId> verify_element(const config::SignedElement& element, std::span<const NodeId> signers, const Trust& trust,
                              Wall now, const Crypto& crypto) {
  if (element.signatures.empty()) return failure("it is not signed");
  std::string why;
  for (const Bytes& encoded : element.signatures) {
    const auto block = wire::decode<wire::SecurityBlock>(encoded, trust.config().codec());
    if (!block) {
      why = "its signature is no SecurityBlock";
      continue;
    }
    VerifyJob job;
    job.trust = TrustPtr(TrustPtr(), &trust);  // the job ends before this function does
    job.now = now;
    for (const wire::GenericCertificate& certificate : block->certificates)
      if (certificate.type == wire::CertificateType::x509) job.fresh.push_back(certificate.certificate);
    SignatureCheck check{block->signature, element.bytes, element.bytes};
    append(check.alternative_input, wire::encode(block->signature.identity));
    job.checks.push_back(std::move(check));
    const auto result = std::get<VerifyResult>(run(CryptoJob(std::move(job)), crypto));
    if (!result.faults.front().empty()) {
      why = result.faults.front();
    } else if (const NodeId& id = result.signers.front().node_id;
               std::find(signers.begin(), signers.end(), id) == signers.end()) {
      why = "its signer " + id.hex() + " is not among those who may sign it";
    } else {
      return id;
    }
  }
  return failure(why);
}

Result<config::ConfigPtr> verify_first(const config::ConfigPtr& config, Wall now, const Crypto& crypto) {
  const auto trust = Trust::make(config, crypto);
  if (!trust) return tl::unexpected(trust.error());
  if (!config->element.signatures.empty()) {
    const auto signer = verify_element(config->element, config->configuration_signers, **trust, now, crypto);
    if (!signer) return failure("the configuration of " + config->instance_name + ": " + signer.error().text);
  }
  return verify_kinds(config, **trust, now, crypto);
}

namespace {

// The checks of accept_update and, where `own` is given, of accept_fetched.
tl::expected<config::ConfigPtr, UpdateRefused> accept(ByteView document, const Trust& current, const Credential* own,
                                                      Wall now, const Crypto& crypto) {
  const auto refuse = [](wire::ErrorCode code, std::string text, bool must_leave = false, bool signer_unknown = false) {
    return tl::unexpected<UpdateRefused>(UpdateRefused{code, std::move(text), must_leave, signer_unknown});
  };
  const config::OverlayConfig& old = current.config();
  const auto config = config::read_config(document, old.instance_name, sha1_of(crypto));
  if (!config) return refuse(wire::ErrorCode::invalid_message, config.error().text);
  if (!config::is_newer_sequence((*config)->sequence, old.sequence))
    return refuse(wire::ErrorCode::config_too_old, "sequence " + std::to_string((*config)->sequence) +
                                                       " is not newer than " + std::to_string(old.sequence));
  if ((*config)->is_expired(now))
    return refuse(wire::ErrorCode::forbidden, "document " + std::to_string((*config)->sequence) + " expired at " +
                                                  config::from_time(*(*config)->expiration));
  const auto signer = verify_element((*config)->element, old.configuration_signers, current, now, crypto);
  const bool missed_some = (*config)->sequence != config::next_sequence(old.sequence);
  if (!signer && (own == nullptr || !missed_some))
    return refuse(wire::ErrorCode::forbidden, "the configuration: " + signer.error().text, false, missed_some);
  // Whether to leave is for one who signs in the overlay's name to say.
  const bool must_leave = signer.has_value();
  if (!(*config)->unsupported.empty())
    return refuse(wire::ErrorCode::incompatible_with_overlay, "not supported: " + (*config)->unsupported.front(),
                  must_leave);
  // Another length is another ring: no certificate of this one has a Node-ID for it.
  if ((*config)->node_id_length != old.node_id_length)
    return refuse(wire::ErrorCode::incompatible_with_overlay, "the length of Node-IDs changed", must_leave);
  const auto trust = Trust::make(*config, crypto);
  if (!trust) return refuse(wire::ErrorCode::invalid_message, trust.error().text, must_leave);
  if (!signer) {
    const auto first = verify_element((*config)->element, (*config)->configuration_signers, **trust, now, crypto);
    if (!first) return refuse(wire::ErrorCode::forbidden, "the configuration: " + first.error().text);
    if (auto good = (*trust)->check(*own->certificate, own->intermediates, now, crypto); !good)
      return refuse(wire::ErrorCode::forbidden,
                    "no signer of the configuration is known, and this node's own " + good.error().text + " in it");
  }
  auto verified = verify_kinds(*config, **trust, now, crypto);
  if (!verified) return refuse(wire::ErrorCode::forbidden, verified.error().text);
  return with_learnt_kinds(*verified, old, **trust, now, crypto);
}

}  // namespace

tl::expected<config::ConfigPtr, UpdateRefused> accept_update(ByteView document, const Trust& current, Wall now,
                                                             const Crypto& crypto) {
  return accept(document, current, nullptr, now, crypto);
}

tl::expected<config::ConfigPtr, UpdateRefused> accept_fetched(ByteView document, const Trust& current,
                                                              const Credential& own, Wall now, const Crypto& crypto) {
  return accept(document, current, &own, now, crypto);
}

tl::expected<config::Kind, UpdateRefused> accept_kind(ByteView block, const Trust& current, Wall now,
                                                      const Crypto& crypto) {
  const auto refuse = [](wire::ErrorCode code, std::string text) {
    return tl::unexpected<UpdateRefused>(UpdateRefused{code, std::move(text), false});
  };
  auto kind = config::parse_kind_block(block);
  if (!kind) return refuse(wire::ErrorCode::invalid_message, kind.error().text);
  const auto signer = verify_element(kind->element, current.config().kind_signers, current, now, crypto);
  if (!signer) return refuse(wire::ErrorCode::forbidden, "the Kind: " + signer.error().text);
  const config::Kind* known = current.config().kinds.find(kind->id);
  if (known != nullptr && !known->signer.is_zero() && known->signer != *signer)
    return refuse(wire::ErrorCode::forbidden, "the Kind is known with another signer, " + known->signer.hex());
  kind->signer = *signer;
  return std::move(*kind);
}

tl::expected<config::ConfigPtr, UpdateRefused> accept_kinds(std::span<const Bytes> blocks, const Trust& current,
                                                            Wall now, const Crypto& crypto) {
  const config::KindRegistry& known = current.config().kinds;
  const auto learnt = std::count_if(known.begin(), known.end(), [](const auto& entry) { return entry.second.learnt; });
  std::size_t room = limits::kMaxLearntKinds - std::min(limits::kMaxLearntKinds, static_cast<std::size_t>(learnt));
  std::shared_ptr<config::OverlayConfig> changed;
  for (const Bytes& block : blocks) {
    if (is_known_block(block, known)) continue;
    auto kind = accept_kind(block, current, now, crypto);
    if (!kind) return tl::unexpected(std::move(kind.error()));
    if (known.find(kind->id) != nullptr) continue;
    if (room == 0)
      return tl::unexpected(
          UpdateRefused{wire::ErrorCode::forbidden, "too many Kinds that are not in the document", false});
    --room;
    if (changed == nullptr) changed = std::make_shared<config::OverlayConfig>(current.config());
    kind->learnt = true;
    changed->kinds.add(std::move(*kind));
  }
  return config::ConfigPtr(std::move(changed));
}

Result<std::string> sign_config(std::string_view document, std::string_view instance_name,
                                const Credential& configuration_signer, const Credential& kind_signer,
                                const Crypto& crypto, std::span<const CredentialPtr> former) {
  const auto with_kinds = sign_kinds(document, instance_name, kind_signer, crypto);
  if (!with_kinds) return with_kinds;
  std::vector<const Credential*> signers{&configuration_signer};
  for (const CredentialPtr& signer : former) signers.push_back(signer.get());
  return sign_configuration(*with_kinds, instance_name, signers, crypto);
}

}  // namespace reload::security
