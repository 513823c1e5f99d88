#include "reload/security/access_control.hpp"

#include <algorithm>
#include <array>

namespace reload::security {

namespace {

struct Attempt {
  const config::Kind& kind;
  const ResourceId& resource;
  const Signer& signer;
  const wire::StoredDataValue& value;
  const Crypto& crypto;

  [[nodiscard]] bool is_at(ByteView name) const { return resource_of(crypto, name) == resource; }
};

Result<void> user_match(const Attempt& attempt) {
  const std::string& user = attempt.signer.certificate->user_name;
  if (user.empty() || !attempt.is_at(as_bytes(user)))
    return failure("the signer's user name " + user + " does not hash to the Resource-ID");
  return {};
}

Result<void> node_match(const Attempt& attempt) {
  if (!attempt.is_at(attempt.signer.node_id.view()))
    return failure("the signer's Node-ID " + attempt.signer.node_id.hex() + " does not hash to the Resource-ID");
  return {};
}

Result<void> user_node_match(const Attempt& attempt) {
  if (auto user = user_match(attempt); !user) return user;
  const auto* entry = std::get_if<wire::DictionaryEntry>(&attempt.value);
  if (entry == nullptr) return failure("USER-NODE-MATCH needs a dictionary entry");
  if (!equal(entry->key, attempt.signer.node_id.view()))
    return failure("the dictionary key is not the signer's Node-ID " + attempt.signer.node_id.hex());
  return {};
}

// 6940 7.3.4. The text doesn't say how wide i is (T28): one byte is what we write, four are accepted.
Result<void> node_multiple(const Attempt& attempt) {
  for (std::uint32_t i = 1; i <= attempt.kind.max_node_multiple; ++i) {
    Bytes name = to_bytes(attempt.signer.node_id.view());
    const std::size_t size = name.size();
    if (i <= 0xff) {
      name.push_back(static_cast<std::uint8_t>(i));
      if (attempt.is_at(name)) return {};
      name.resize(size);
    }
    for (int shift = 24; shift >= 0; shift -= 8) name.push_back(static_cast<std::uint8_t>(i >> shift));
    if (attempt.is_at(name)) return {};
  }
  return failure("no H(Node-ID || i) with i up to " + std::to_string(attempt.kind.max_node_multiple) +
                 " is the Resource-ID");
}

// In the order of config::AccessPolicy.
constexpr std::array kPolicies{user_match, node_match, user_node_match, node_multiple};

// RFC 7904 3.3: the user name is an address of record whose domain the overlay serves.
Result<void> check_address_of_record(const config::OverlayConfig& config, const std::string& user) {
  const std::size_t at = user.rfind('@');
  if (at == std::string::npos || at == 0 || at + 1 == user.size())
    return failure("the user name " + user + " is no SIP address of record");
  if (!domain_admissible(config, std::string_view(user).substr(at + 1)))
    return failure("addresses of record of " + user.substr(at + 1) + " are not admitted in this overlay");
  return {};
}

bool same_domain(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

Result<void> check_access(const config::OverlayConfig& config, const config::Kind& kind, const ResourceId& resource,
                          const Signer& signer, const wire::StoredDataValue& value, const Crypto& crypto) {
  if (!signer.known() || !signer.certificate->holds(signer.node_id)) return failure("the signer is not known");
  const auto policy = static_cast<std::size_t>(kind.policy);
  if (policy >= kPolicies.size()) return failure("the Kind's access control policy is not supported");
  if (auto matched = kPolicies[policy]({kind, resource, signer, value, crypto}); !matched) return matched;
  if (kind.id == wire::kKindSipRegistration) return check_address_of_record(config, signer.certificate->user_name);
  return {};
}

bool domain_admissible(const config::OverlayConfig& config, std::string_view domain) {
  if (domain.empty()) return false;
  const config::Kind* kind = config.kinds.find(wire::kKindSipRegistration);
  if (kind == nullptr || !kind->domain_restriction) return true;
  const config::DomainRestriction& rule = *kind->domain_restriction;
  if (!rule.enable) return same_domain(domain, config.instance_name);
  return std::any_of(rule.patterns.begin(), rule.patterns.end(),
                     [&](const config::DomainPattern& pattern) { return pattern.matches(domain); });
}

}  // namespace reload::security
