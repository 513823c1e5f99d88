// What a Kind is (6940 5.2, 11.1): the type of a stored value and the rules for storing it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "reload/base/ids.hpp"
#include "reload/base/strong.hpp"
#include "reload/config/domain_pattern.hpp"
#include "reload/wire/types.hpp"

namespace reload::config {

// 6940 7.3.
enum class AccessPolicy : std::uint8_t { user_match, node_match, user_node_match, node_multiple };

[[nodiscard]] std::string_view name_of(AccessPolicy policy);    // "USER-MATCH"
[[nodiscard]] std::string_view name_of(wire::DataModel model);  // "SINGLE"

// RFC 7904 3.4: which domains addresses of record may have. Absent in a Kind: all.
struct DomainRestriction {
  bool enable = false;                  // false: only the overlay's own name
  std::vector<DomainPattern> patterns;  // over the whole domain
};

// An element byte for byte as it stood in its document, and the SecurityBlocks that sign it (out of their base64).
struct SignedElement {
  Bytes bytes;
  std::vector<Bytes> signatures;
};

struct Kind {
  KindId id;
  std::string name;  // empty for a Kind known only by its number
  wire::DataModel model = wire::DataModel::single;
  AccessPolicy policy = AccessPolicy::user_match;
  std::uint32_t max_count = 16;         // values of this Kind at one Resource-ID
  std::uint32_t max_size = 2048;        // bytes of one DataValue.value
  std::uint32_t max_node_multiple = 0;  // for NODE-MULTIPLE
  std::optional<DomainRestriction> domain_restriction;
  NodeId signer;          // of the kind-block, set when it was verified; zero for built-in Kinds
  SignedElement element;  // the kind element; empty for built-in Kinds
  Bytes kind_block;       // the kind-block element as received, for ConfigUpdate; empty for built-in Kinds
  bool learnt = false;    // came by itself in a ConfigUpdate; the document does not have it
  bool findable = true;   // 6940 7.4.4.2: a Kind's definition may bar it from Find
};

}  // namespace reload::config
