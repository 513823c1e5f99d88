// The overlay around one node under test: peers at known places of the ring, and some who have no right to be there.
// Keys are fake; certificates, configuration documents and their signatures are checked as real ones are.
#pragma once

#include <map>

#include "reload/config/overlay_config.hpp"
#include "reload/security/credentials.hpp"
#include "reload/wire/address.hpp"
#include "sim/fake_crypto.hpp"

namespace reload::kit {

// The peers follow clockwise from the node, which is in charge of the last third of the ring, from `last` to itself.
enum class Who : std::uint8_t {
  node,  // the node under test
  next,
  second,
  quarter,
  half,
  three_quarters,
  before_last,
  last,
  user,     // a certificate with a Node-ID of its own, for values, not for links
  two_ids,  // a certificate with two Node-IDs
  expired,
  of_other_overlay,
  banned,        // on the bad-node list
  user_of_node,  // whom the node under test hosts
};
inline constexpr std::size_t kWhoCount = 14;
inline constexpr Who kPeers[] = {Who::next,           Who::second,      Who::quarter, Who::half,
                                 Who::three_quarters, Who::before_last, Who::last};

// What differs between the configuration documents.
struct DocumentSpec {
  std::uint16_t sequence = 1;
  bool bans_quarter = false;  // Who::quarter is put on the bad-node list
  std::optional<Who> bans{};  // so is this one
  bool drops_private_kind = false;
  bool drops_kind_signer = false;  // Who::last may sign no Kinds any more
  bool other_algorithm = false;    // a topology plug-in that this program does not have
  bool forbids_clients = false;
  bool small_messages = false;  // max-message-size 2500
  bool wrong_signer = false;    // signed by someone who is no configuration-signer
  bool rolled_signer = false;   // Who::second is configuration-signer in place of Who::half, and signs it
  bool cross_signed = false;    // with that, Who::half has signed it too
  friend auto operator<=>(const DocumentSpec&, const DocumentSpec&) = default;
};

class Cast {
 public:
  static constexpr std::string_view kOverlay = "kit.example";
  static constexpr KindId kPrivateKind{0xf0000001};  // ARRAY, NODE-MATCH, signed by Who::last

  // Made once: the same for every use in a program.
  [[nodiscard]] static const Cast& get();

  [[nodiscard]] const sim::FakeCrypto& crypto() const { return crypto_; }
  [[nodiscard]] const security::CredentialPtr& credential(Who who) const;
  [[nodiscard]] NodeId id(Who who) const { return credential(who)->node_id; }
  [[nodiscard]] std::string user(Who who) const { return credential(who)->certificate->user_name; }
  [[nodiscard]] wire::IpAddressPort address(Who who) const;
  [[nodiscard]] std::optional<Who> at(const wire::IpAddressPort& address) const;
  [[nodiscard]] std::optional<Who> with_id(const NodeId& id) const;
  [[nodiscard]] ResourceId resource(ByteView name) const;
  // Signed by Who::half, the configuration-signer, unless told otherwise.
  [[nodiscard]] const std::string& document(const DocumentSpec& spec) const;
  [[nodiscard]] config::ConfigPtr config(const DocumentSpec& spec = {}) const;

 private:
  Cast();

  sim::FakeCrypto crypto_;
  std::vector<security::CredentialPtr> credentials_;
  mutable std::map<DocumentSpec, std::string> documents_;
  mutable std::map<DocumentSpec, config::ConfigPtr> configs_;
};

}  // namespace reload::kit
