#include "reload/config/kind_registry.hpp"

#include <doctest/doctest.h>

#include "reload/config/overlay_config.hpp"

using namespace reload;
using namespace reload::config;
using wire::DataModel;

// 6940-14.6-3: the registered Kinds and their numbers.
TEST_CASE("6940-7.3-1, 6940-7.4.5-2: each registered Kind has its id, one data model and one policy") {
  const KindRegistry kinds = KindRegistry::with_registered();
  struct Row {
    std::uint32_t id;
    std::string_view name;
    DataModel model;
    AccessPolicy policy;
  };
  for (const Row& row : {Row{0x1, "SIP-REGISTRATION", DataModel::dictionary, AccessPolicy::user_node_match},
                         Row{0x2, "TURN-SERVICE", DataModel::single, AccessPolicy::node_multiple},
                         Row{0x3, "CERTIFICATE_BY_NODE", DataModel::array, AccessPolicy::node_match},
                         Row{0x10, "CERTIFICATE_BY_USER", DataModel::array, AccessPolicy::user_match}}) {
    const Kind* kind = kinds.find(KindId{row.id});
    REQUIRE(kind != nullptr);
    CHECK(kind == kinds.find_name(row.name));
    CHECK(kind->model == row.model);
    CHECK(kind->policy == row.policy);
    CHECK(kinds.model_of(KindId{row.id}) == row.model);
  }
  CHECK(kinds.find(wire::kKindTurnService)->max_node_multiple == 20);
}

TEST_CASE("Kinds are added, replaced and removed; what is not there has no model") {
  KindRegistry kinds = KindRegistry::with_registered();
  Kind own;
  own.id = KindId{0xf0000001};
  own.model = DataModel::array;
  CHECK(kinds.model_of(own.id) == std::nullopt);
  kinds.add(own);
  own.model = DataModel::single;
  kinds.add(own);
  CHECK(kinds.model_of(own.id) == DataModel::single);
  CHECK(kinds.remove(own.id));
  CHECK_FALSE(kinds.remove(own.id));
  CHECK(kinds.find(own.id) == nullptr);
  CHECK(kinds.find_name("") == nullptr);
  CHECK(kinds.find_name("NO-SUCH-KIND") == nullptr);
}

TEST_CASE("6940-6.3.2.1-3, 6940-6.3.2.1-4, 6940-6.3.2.1-9: sequences are compared modulo 65535, and 0 follows 65534") {
  CHECK(is_newer_sequence(1, 0));
  CHECK_FALSE(is_newer_sequence(0, 1));
  CHECK_FALSE(is_newer_sequence(7, 7));
  CHECK(is_newer_sequence(0, 65534));
  CHECK_FALSE(is_newer_sequence(65534, 0));
  CHECK(is_newer_sequence(32767, 0));
  CHECK_FALSE(is_newer_sequence(32768, 0));
  CHECK(is_newer_sequence(10, 65530));
}

TEST_CASE("an expired document is known as such, and bad nodes and signers are found") {
  OverlayConfig config;
  CHECK_FALSE(config.is_expired(from_unix_seconds(4000000000)));
  config.expiration = from_unix_seconds(1000);
  CHECK_FALSE(config.is_expired(from_unix_seconds(1000)));
  CHECK(config.is_expired(from_unix_seconds(1001)));
  const auto id = *NodeId::parse_hex("000102030405060708090a0b0c0d0e0f");
  CHECK_FALSE(config.is_bad_node(id));
  config.bad_nodes = config.kind_signers = config.configuration_signers = {id};
  CHECK(config.is_bad_node(id));
  CHECK(config.is_kind_signer(id));
  CHECK(config.is_configuration_signer(id));
  CHECK_FALSE(config.is_kind_signer(NodeId::wildcard()));
}
