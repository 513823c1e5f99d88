#include "tests/kit/cast.hpp"

#include <algorithm>
#include <array>

#include "reload/base/check.hpp"
#include "reload/base/prng.hpp"
#include "reload/config/overlay_xml.hpp"
#include "reload/security/config_signature.hpp"
#include "tests/kit/fixtures.hpp"

namespace reload::kit {

namespace {

constexpr std::uint16_t kPort = 6084;
constexpr std::array<std::uint8_t, kWhoCount> kFirstByte{0x80, 0x84, 0x90, 0xa8, 0xc0, 0xe8, 0x08,
                                                         0x30, 0x33, 0x9c, 0x55, 0x66, 0x77, 0x99};

NodeId id_from(std::uint8_t first_byte, std::uint8_t last_byte) {
  std::array<std::uint8_t, NodeId::kMinSize> bytes{};
  bytes.front() = first_byte;
  bytes.back() = last_byte;
  return NodeId(bytes);
}

}  // namespace

const Cast& Cast::get() {
  static const Cast cast;
  return cast;
}

Cast::Cast() {
  Prng rng(1);
  for (std::size_t i = 0; i < kWhoCount; ++i) {
    std::vector<NodeId> ids{id_from(kFirstByte[i], 1)};
    if (static_cast<Who>(i) == Who::two_ids) ids.push_back(id_from(kFirstByte[i], 2));
    const bool expired = static_cast<Who>(i) == Who::expired;
    const std::string overlay(static_cast<Who>(i) == Who::of_other_overlay ? "elsewhere.example" : kOverlay);
    credentials_.push_back(sim::make_fake_credential(ids, "user" + std::to_string(i) + "@" + overlay, overlay,
                                                     kValidFrom, expired ? kTestNow - 1h : kValidTo, rng));
  }
}

const security::CredentialPtr& Cast::credential(Who who) const { return credentials_[static_cast<std::size_t>(who)]; }

wire::IpAddressPort Cast::address(Who who) const {
  wire::IpAddressPort address;
  address.address = {10, 0, 0, static_cast<std::uint8_t>(who)};
  address.port = kPort;
  return address;
}

std::optional<Who> Cast::at(const wire::IpAddressPort& address) const {
  for (std::size_t i = 0; i < kWhoCount; ++i)
    if (this->address(static_cast<Who>(i)).address == address.address) return static_cast<Who>(i);
  return std::nullopt;
}

std::optional<Who> Cast::with_id(const NodeId& id) const {
  for (std::size_t i = 0; i < kWhoCount; ++i)
    if (credentials_[i]->certificate->holds(id)) return static_cast<Who>(i);
  return std::nullopt;
}

ResourceId Cast::resource(ByteView name) const {
  const Bytes digest = crypto_.hash(wire::HashAlgorithm::sha1, {name});
  return ResourceId(ByteView(digest).first(NodeId::kMinSize));
}

const std::string& Cast::document(const DocumentSpec& spec) const {
  if (const auto known = documents_.find(spec); known != documents_.end()) return known->second;
  config::OverlayConfig config;
  config.instance_name = kOverlay;
  config.sequence = spec.sequence;
  config.root_certs = {sim::fake_root_certificate()};
  config.max_message_size = spec.small_messages ? 2500 : 65536;
  config.no_ice = true;
  config.configuration_signers = {id(spec.rolled_signer ? Who::second : Who::half)};
  config.kind_signers = {id(spec.drops_kind_signer ? Who::half : Who::last)};
  config.clients_permitted = !spec.forbids_clients;
  if (spec.other_algorithm) config.topology_plugin = "KADEMLIA";
  config.bad_nodes = {id(Who::banned)};
  if (spec.bans_quarter) config.bad_nodes.push_back(id(Who::quarter));
  if (spec.bans) config.bad_nodes.push_back(credential(*spec.bans)->certificate->node_ids.back());
  std::ranges::sort(config.bad_nodes);
  if (!spec.drops_private_kind) {
    config::Kind kind;
    kind.id = kPrivateKind;
    kind.model = wire::DataModel::array;
    kind.policy = config::AccessPolicy::node_match;
    kind.max_count = 4;
    kind.max_size = 300;
    config.kinds.add(std::move(kind));
  }
  const auto& signer = credential(spec.wrong_signer ? Who::next : spec.rolled_signer ? Who::second : Who::half);
  std::vector<security::CredentialPtr> former;
  if (spec.cross_signed) former.push_back(credential(Who::half));
  auto document =
      security::sign_config(config::write_config(config), "", *signer, *credential(Who::last), crypto_, former);
  RELOAD_CHECK(document.has_value());
  return documents_[spec] = std::move(*document);
}

config::ConfigPtr Cast::config(const DocumentSpec& spec) const {
  if (const auto known = configs_.find(spec); known != configs_.end()) return known->second;
  const auto sha1 = [this](ByteView bytes) { return crypto_.hash(wire::HashAlgorithm::sha1, {bytes}); };
  auto config = config::parse_config(as_bytes(document(spec)), kOverlay, sha1);
  RELOAD_CHECK(config.has_value());
  auto verified = security::verify_first(*config, kTestNow, crypto_);
  RELOAD_CHECK(verified.has_value());
  return configs_[spec] = *verified;
}

}  // namespace reload::kit
