#include "reload/config/kind_reader.hpp"

#include <algorithm>

#include "reload/base/limits.hpp"
#include "reload/config/overlay_xml.hpp"
#include "reload/config/xml_values.hpp"

namespace reload::config {

namespace {

constexpr std::uint32_t kReservedKinds[] = {0x0, 0x7fffffff, 0xfffffffe, 0xffffffff};  // 6940 14.6

// The only child of that name; null if there is none.
Result<const XmlElement*> only_child(const XmlElement& parent, std::string_view name, const std::string& of) {
  const XmlElement* found = nullptr;
  for (const XmlElement& child : parent.children) {
    if (!child.is(kBaseSpace, name)) continue;
    if (found != nullptr) return failure(of + " has more than one " + std::string(name));
    found = &child;
  }
  return found;
}

Result<DomainRestriction> read_restriction(const XmlElement& element) {
  DomainRestriction rule;
  if (const std::string* enable = element.attribute("enable")) {
    const auto value = to_boolean("attribute enable of domain-restriction", *enable);
    if (!value) return tl::unexpected(value.error());
    rule.enable = *value;
  }
  for (const XmlElement& child : element.children) {
    if (!child.is(kSipSpace, "pattern")) continue;
    auto pattern = DomainPattern::compile(child.text);
    if (!pattern) return tl::unexpected(pattern.error());
    rule.patterns.push_back(std::move(*pattern));
  }
  return rule;
}

// Reads one `kind`: which Kind it is, then its elements.
class KindReader {
 public:
  KindReader(const XmlElement& element, const KindRegistry& registered, std::vector<std::string>& unsupported)
      : element_(element), registered_(registered), unsupported_(unsupported) {}

  Result<Kind> read() {
    if (auto named = read_id(); !named) return tl::unexpected(named.error());
    label_ = "kind " + (kind_.name.empty() ? std::to_string(kind_.id.value) : kind_.name);
    if (auto limits = read_limits(); !limits) return tl::unexpected(limits.error());
    if (!is_registered_) {
      if (auto form = read_form(); !form) return tl::unexpected(form.error());
    }
    if (auto domains = read_domains(); !domains) return tl::unexpected(domains.error());
    return std::move(kind_);
  }

 private:
  Result<void> read_id() {
    const std::string* name = element_.attribute("name");
    const std::string* id = element_.attribute("id");
    if ((name == nullptr) == (id == nullptr))
      return failure("a kind element must have either the attribute name or the attribute id");
    const Kind* known = nullptr;
    if (name != nullptr) {
      known = registered_.find_name(*name);
      if (known == nullptr) {
        unsupported_.push_back("kind \"" + *name + "\" is not known to this program");
        kind_.name = *name;
      }
    } else {
      const auto number = to_number("attribute id of a kind", *id, 0, UINT32_MAX);
      if (!number) return tl::unexpected(number.error());
      kind_.id = KindId{static_cast<std::uint32_t>(*number)};
      if (std::find(std::begin(kReservedKinds), std::end(kReservedKinds), kind_.id.value) != std::end(kReservedKinds))
        return failure("attribute id of a kind is \"" + *id + "\", which is reserved; take one from 4026531841 up");
      known = registered_.find(kind_.id);
    }
    if (known != nullptr) {
      kind_ = *known;
      is_registered_ = true;
    }
    return {};
  }

  Result<std::optional<std::uint32_t>> read_number(std::string_view name, std::uint32_t least, std::uint32_t most) {
    const auto child = only_child(element_, name, label_);
    if (!child) return tl::unexpected(child.error());
    if (*child == nullptr) return std::nullopt;
    const auto value = to_number(std::string(name) + " of " + label_, (*child)->text, least, most);
    if (!value) return tl::unexpected(value.error());
    return static_cast<std::uint32_t>(*value);
  }

  Result<void> read_limits() {
    const auto count = read_number("max-count", 1, INT32_MAX);
    if (!count) return tl::unexpected(count.error());
    const auto size = read_number("max-size", 1, INT32_MAX);
    if (!size) return tl::unexpected(size.error());
    const auto multiple = read_number("max-node-multiple", 1, limits::kMaxNodeMultiple);
    if (!multiple) return tl::unexpected(multiple.error());
    if (!*count) return failure(label_ + " has no max-count");
    if (!*size) return failure(label_ + " has no max-size");
    kind_.max_count = **count;
    kind_.max_size = **size;
    if (*multiple) kind_.max_node_multiple = **multiple;
    return {};
  }

  // 6940 11.1: of a registered Kind these are ignored, the registration holds.
  Result<void> read_form() {
    const auto model = only_child(element_, "data-model", label_);
    if (!model) return tl::unexpected(model.error());
    const auto policy = only_child(element_, "access-control", label_);
    if (!policy) return tl::unexpected(policy.error());
    if (*model == nullptr) return failure(label_ + " has no data-model");
    if (*policy == nullptr) return failure(label_ + " has no access-control");

    using wire::DataModel;
    bool known = false;
    for (const DataModel candidate : {DataModel::single, DataModel::array, DataModel::dictionary}) {
      if (name_of(candidate) != (*model)->text) continue;
      kind_.model = candidate;
      known = true;
    }
    if (!known) unsupported_.push_back("data-model \"" + (*model)->text + "\" of " + label_);
    known = false;
    for (const AccessPolicy candidate : {AccessPolicy::user_match, AccessPolicy::node_match,
                                         AccessPolicy::user_node_match, AccessPolicy::node_multiple}) {
      if (name_of(candidate) != (*policy)->text) continue;
      kind_.policy = candidate;
      known = true;
    }
    if (!known) unsupported_.push_back("access-control \"" + (*policy)->text + "\" of " + label_);
    if (kind_.policy == AccessPolicy::user_node_match && kind_.model != DataModel::dictionary)
      return failure(label_ + " has access-control USER-NODE-MATCH, which needs data-model DICTIONARY");
    if (kind_.policy == AccessPolicy::node_multiple && kind_.max_node_multiple == 0)
      return failure(label_ + " has access-control NODE-MULTIPLE and no max-node-multiple");
    return {};
  }

  Result<void> read_domains() {
    if (kind_.id != wire::kKindSipRegistration) return {};
    for (const XmlElement& child : element_.children) {
      // RFC 7904's grammar says domain-restriction, its text domain-restrictions (T4).
      if (!child.is(kSipSpace, "domain-restriction") && !child.is(kSipSpace, "domain-restrictions")) continue;
      if (kind_.domain_restriction) return failure(label_ + " has more than one domain-restriction");
      auto rule = read_restriction(child);
      if (!rule) return tl::unexpected(rule.error());
      kind_.domain_restriction = std::move(*rule);
    }
    return {};
  }

  const XmlElement& element_;
  const KindRegistry& registered_;
  std::vector<std::string>& unsupported_;
  std::string label_;
  Kind kind_;
  bool is_registered_ = false;
};

}  // namespace

Result<Kind> read_kind_block(const XmlElement& block, ByteView document, const KindRegistry& registered,
                             std::vector<std::string>& unsupported) {
  const auto element = only_child(block, "kind", "a kind-block");
  if (!element) return tl::unexpected(element.error());
  if (*element == nullptr) return failure("a kind-block has no kind");
  auto kind = KindReader(**element, registered, unsupported).read();
  if (!kind) return kind;
  kind->element.bytes = to_bytes((*element)->bytes_in(document));
  kind->kind_block = to_bytes(block.bytes_in(document));
  for (const XmlElement& child : block.children) {
    if (!child.is(kBaseSpace, "kind-signature")) continue;
    if (kind->element.signatures.size() == limits::kMaxSignaturesOfElement)
      return failure("a kind-block has more than " + std::to_string(limits::kMaxSignaturesOfElement) +
                     " kind-signatures");
    auto signature = to_binary("kind-signature", child.text);
    if (!signature) return tl::unexpected(signature.error());
    kind->element.signatures.push_back(std::move(*signature));
  }
  return kind;
}

}  // namespace reload::config
