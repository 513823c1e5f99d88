#include <doctest/doctest.h>

#include "reload/config/overlay_xml.hpp"
#include "reload/config/xml_values.hpp"
#include "reload/io/openssl_crypto.hpp"
#include "tests/kit/fixtures.hpp"

using namespace reload;
using namespace reload::config;

namespace {

ConfigPtr back(const OverlayConfig& config) {
  static const io::OpensslCrypto crypto;
  const auto read = read_config(as_bytes(write_config(config)), config.instance_name,
                                [](ByteView bytes) { return crypto.hash(wire::HashAlgorithm::sha1, {bytes}); });
  REQUIRE_MESSAGE(read.has_value(), (read ? "" : read.error().text));
  return *read;
}

}  // namespace

TEST_CASE("6940-11.1-3, 6940-11.1-21, 6940-11.1-52: a written document says what it was made from and no default") {
  OverlayConfig config;
  config.instance_name = "demo.example";
  config.sequence = 7;
  const std::string plain = write_config(config);
  CHECK(plain.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"));
  CHECK(plain.find("self-signed-permitted") == std::string::npos);
  CHECK(plain.find("kind-block") == std::string::npos);
  CHECK(back(config)->sequence == 7);

  config.expiration = from_unix_seconds(1893553445);
  config.root_certs = {{1, 2, 3}, {4}};
  config.enrollment_servers = {"https://a.example/?a=1&b=<2>"};
  config.self_signed_digest = NodeIdDigest::sha256;
  config.bootstrap_nodes = {*to_address("a", "127.0.0.1", 7000), *to_address("a", "2001:db8::1", 6084)};
  config.turn_density = 0;
  config.clients_permitted = false;
  config.no_ice = true;
  config.chord_update_interval = 5s;
  config.chord_ping_interval = 6s;
  config.chord_reactive = false;
  config.shared_secret = "a & b";
  config.max_message_size = 60000;
  config.initial_ttl = 9;
  config.reliability_timer = 250ms;
  config.link_protocols = {"TLS"};
  config.configuration_signers = {kit::node_number(1), kit::node_number(2)};
  config.kind_signers = {kit::node_number(3)};
  config.bad_nodes = {kit::node_number(4), kit::node_number(5)};
  config.mandatory_extensions = {std::string(kSipSpace)};
  Kind own;
  own.id = KindId{0xf0000001};
  own.model = wire::DataModel::single;
  own.policy = AccessPolicy::node_multiple;
  own.max_node_multiple = 4;
  config.kinds.add(own);
  Kind sip = *config.kinds.find(wire::kKindSipRegistration);
  sip.max_size = 1000;
  sip.domain_restriction = DomainRestriction{true, {*DomainPattern::compile(R"(a<b&\.example)")}};
  config.kinds.add(sip);

  const ConfigPtr read = back(config);
  CHECK(read->expiration == config.expiration);
  CHECK(read->root_certs == config.root_certs);
  CHECK(read->enrollment_servers == config.enrollment_servers);
  CHECK(read->self_signed_digest == config.self_signed_digest);
  CHECK(read->bootstrap_nodes == config.bootstrap_nodes);
  CHECK(read->turn_density == 0);
  CHECK_FALSE(read->clients_permitted);
  CHECK(read->no_ice);
  CHECK(read->chord_update_interval == 5s);
  CHECK(read->chord_ping_interval == 6s);
  CHECK_FALSE(read->chord_reactive);
  CHECK(read->shared_secret == "a & b");
  CHECK(read->max_message_size == 60000);
  CHECK(read->initial_ttl == 9);
  CHECK(read->reliability_timer == 250ms);
  CHECK(read->configuration_signers == config.configuration_signers);
  CHECK(read->kind_signers == config.kind_signers);
  CHECK(read->bad_nodes == config.bad_nodes);
  CHECK(read->mandatory_extensions == config.mandatory_extensions);
  const Kind* kind = read->kinds.find(own.id);
  REQUIRE(kind != nullptr);
  CHECK(kind->policy == AccessPolicy::node_multiple);
  CHECK(kind->max_node_multiple == 4);
  kind = read->kinds.find(wire::kKindSipRegistration);
  CHECK(kind->max_size == 1000);
  REQUIRE(kind->domain_restriction.has_value());
  CHECK(kind->domain_restriction->enable);
  CHECK(kind->domain_restriction->patterns.at(0).text() == R"(a<b&\.example)");
  CHECK(read->kinds.find(wire::kKindTurnService)->kind_block.empty());
}
