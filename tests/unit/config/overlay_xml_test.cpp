#include "reload/config/overlay_xml.hpp"

#include <doctest/doctest.h>

#include "reload/base/limits.hpp"
#include "reload/io/openssl_crypto.hpp"

using namespace reload;
using namespace reload::config;

namespace {

Bytes sha1(ByteView bytes) {
  static const io::OpensslCrypto crypto;
  return crypto.hash(wire::HashAlgorithm::sha1, {bytes});
}

// The example of 6940 11.1, its base64 cut short, Node-IDs of full length (T58) and the numbers as printed.
constexpr std::string_view kExample = R"(<?xml version="1.0" encoding="UTF-8"?>
<overlay xmlns="urn:ietf:params:xml:ns:p2p:config-base"
   xmlns:ext="urn:ietf:params:xml:ns:p2p:config-ext1"
   xmlns:chord="urn:ietf:params:xml:ns:p2p:config-chord">
    <configuration instance-name="overlay.example.org" sequence="22"
           expiration="2002-10-10T07:00:00Z" ext:ext-example="stuff" >
          <topology-plugin> CHORD-RELOAD </topology-plugin>
          <node-id-length>16</node-id-length>
          <root-cert>
   aXR5
   MIGf
          </root-cert>
          <root-cert> YmFkIGNlcnQK </root-cert>
          <enrollment-server>https://example.org</enrollment-server>
          <enrollment-server>https://example.net</enrollment-server>
          <self-signed-permitted
                    digest="sha1">false</self-signed-permitted>
          <bootstrap-node address="192.0.0.1" port="6084" />
          <bootstrap-node address="192.0.2.2" />
          <bootstrap-node address="2001:DB8::1" port="6085" />
          <turn-density> 20 </turn-density>
          <clients-permitted> false </clients-permitted>
          <no-ice> false </no-ice>
          <chord:chord-update-interval>
              400</chord:chord-update-interval>
          <chord:chord-ping-interval>30</chord:chord-ping-interval>
          <chord:chord-reactive> true </chord:chord-reactive>
          <shared-secret> password </shared-secret>
          <max-message-size>4000</max-message-size>
          <initial-ttl> 30 </initial-ttl>
          <overlay-reliability-timer> 3000 </overlay-reliability-timer>
          <overlay-link-protocol>TLS</overlay-link-protocol>
          <configuration-signer>47112162e84c69ba47112162e84c69ba</configuration-signer>
          <kind-signer> 47112162e84c69ba47112162e84c69ba </kind-signer>
          <kind-signer> 6eba45d31a900c066eba45d31a900c06 </kind-signer>
          <bad-node> 6ebc45d31a900ca66ebc45d31a900ca6 </bad-node>
          <bad-node> 6ebc45d31a900c066ebc45d31a900c06 </bad-node>

          <ext:example-extension> foo </ext:example-extension>

          <mandatory-extension>
              urn:ietf:params:xml:ns:p2p:config-ext1
          </mandatory-extension>

          <required-kinds>
            <kind-block>
              <kind name="SIP-REGISTRATION">
                  <data-model>SINGLE</data-model>
                  <access-control>USER-MATCH</access-control>
                  <max-count>1</max-count>
                  <max-size>100</max-size>
              </kind>
              <kind-signature>
                   VGhpcyBpcyBub3QgcmlnaHQhCg==
              </kind-signature>
            </kind-block>
            <kind-block>
              <kind id="2000">
                  <data-model>ARRAY</data-model>
                  <access-control>NODE-MULTIPLE</access-control>
                  <max-node-multiple>3</max-node-multiple>
                  <max-count>22</max-count>
                  <max-size>4</max-size>
                  <ext:example-kind-extension> 1
                          </ext:example-kind-extension>
              </kind>
              <kind-signature>
                 VGhpcyBpcyBub3QgcmlnaHQhCg==
              </kind-signature>
            </kind-block>
          </required-kinds>
      </configuration>
      <signature> VGhpcyBpcyBub3QgcmlnaHQhCg== </signature>

      <configuration instance-name="other.example.net" sequence="0">
      </configuration>
      <signature> VGhpcyBpcyBub3QgcmlnaHQhCg== </signature>
      <signature> YmFk </signature>

    </overlay>
)";

std::string document(std::string_view inside,
                     std::string_view attributes = R"(instance-name="a.example" sequence="1")") {
  return "<overlay xmlns=\"urn:ietf:params:xml:ns:p2p:config-base\" "
         "xmlns:chord=\"urn:ietf:params:xml:ns:p2p:config-chord\" "
         "xmlns:s=\"urn:ietf:params:xml:ns:p2p:config-base:sip\" xmlns:x=\"urn:x\"><configuration " +
         std::string(attributes) + ">" + std::string(inside) + "</configuration></overlay>";
}

ConfigPtr parsed(std::string_view inside) {
  auto config = parse_config(as_bytes(document(inside)), "", sha1);
  REQUIRE_MESSAGE(config.has_value(), (config ? "" : config.error().text));
  return *config;
}

std::string fault(std::string_view text) {
  const auto config = parse_config(as_bytes(text), "a.example", sha1);
  REQUIRE_FALSE(config.has_value());
  return config.error().text;
}

std::string fault_inside(std::string_view inside) { return fault(document(inside)); }

std::string kinds(std::string_view kind) {
  return "<required-kinds><kind-block>" + std::string(kind) + "</kind-block></required-kinds>";
}

std::string private_kind(std::string_view inside) {
  return kinds("<kind id=\"4026531841\">" + std::string(inside) + "</kind>");
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

const NodeId kSigner = *NodeId::parse_hex("47112162e84c69ba47112162e84c69ba");

}  // namespace

// 6940-11.1.1-5, 6940-11.1.1-6, 6940-11.1.1-9: any order, overlay-reliability-timer, the chord namespace.
TEST_CASE(
    "6940-14.16-3, 6940-11.1-18, 6940-11.1-26, 6940-11.1-45, 6940-11.1-58: the RFC's example is read as it is meant") {
  const auto read = read_config(as_bytes(kExample), "overlay.example.org", sha1);
  REQUIRE_MESSAGE(read.has_value(), (read ? "" : read.error().text));
  const OverlayConfig& config = **read;
  CHECK(config.instance_name == "overlay.example.org");
  CHECK(config.overlay_hash == 0x9aa32b8d);
  CHECK(config.sequence == 22);
  CHECK(config.expiration == from_unix_seconds(1034233200));
  CHECK(config.topology_plugin == "CHORD-RELOAD");
  REQUIRE(config.root_certs.size() == 2);
  CHECK(to_hex(config.root_certs[0]) == "69747930819f");
  CHECK(config.enrollment_servers == std::vector<std::string>{"https://example.org", "https://example.net"});
  CHECK_FALSE(config.self_signed_digest.has_value());
  REQUIRE(config.bootstrap_nodes.size() == 3);
  CHECK(config.bootstrap_nodes[1].type == wire::AddressType::ipv4);
  CHECK(to_hex(ByteView(config.bootstrap_nodes[1].address).first(4)) == "c0000202");
  CHECK(config.bootstrap_nodes[1].port == 6084);
  CHECK(config.bootstrap_nodes[2].type == wire::AddressType::ipv6);
  CHECK(to_hex(config.bootstrap_nodes[2].address) == "20010db8000000000000000000000001");
  CHECK(config.bootstrap_nodes[2].port == 6085);
  CHECK(config.turn_density == 20);
  CHECK_FALSE(config.clients_permitted);
  CHECK_FALSE(config.no_ice);
  CHECK(config.chord_update_interval == 400s);
  CHECK(config.chord_ping_interval == 30s);
  CHECK(config.chord_reactive);
  CHECK(config.shared_secret == "password");
  CHECK(config.max_message_size == 4000);
  CHECK(config.initial_ttl == 30);
  CHECK(config.reliability_timer == 3000ms);
  CHECK(config.link_protocols == std::vector<std::string>{"TLS"});
  CHECK(config.configuration_signers == std::vector{kSigner});
  CHECK(config.kind_signers.size() == 2);
  CHECK(config.bad_nodes.size() == 2);
  CHECK(std::is_sorted(config.bad_nodes.begin(), config.bad_nodes.end()));
  CHECK(config.mandatory_extensions == std::vector<std::string>{"urn:ietf:params:xml:ns:p2p:config-ext1"});
  CHECK(equal(config.document, as_bytes(kExample)));
  CHECK(as_text(config.element.bytes).starts_with("<configuration instance-name=\"overlay"));
  CHECK(as_text(config.element.bytes).ends_with("</required-kinds>\n      </configuration>"));
  REQUIRE(config.element.signatures.size() == 1);
  CHECK(as_text(config.element.signatures[0]) == "This is not right!\n");

  const Kind* own = config.kinds.find(KindId{2000});
  REQUIRE(own != nullptr);
  CHECK(own->model == wire::DataModel::array);
  CHECK(own->policy == AccessPolicy::node_multiple);
  CHECK(own->max_node_multiple == 3);
  CHECK(own->max_count == 22);
  CHECK(own->max_size == 4);
  CHECK(as_text(own->element.bytes).starts_with("<kind id=\"2000\">"));
  CHECK(as_text(own->element.bytes).ends_with("</kind>"));
  CHECK(as_text(own->kind_block).ends_with("</kind-block>"));
  CHECK(own->element.signatures.size() == 1);

  // Of these it demands what we haven't got: an extension.
  CHECK(config.unsupported.size() == 1);
  const auto joined = parse_config(as_bytes(kExample), "overlay.example.org", sha1);
  REQUIRE_FALSE(joined.has_value());
  CHECK(has(joined.error().text, "mandatory-extension"));
}

TEST_CASE(
    "6940-11.1-56, 6940-11.1-57: data-model and access-control of a registered Kind are ignored, its limits are "
    "taken") {
  const auto read = read_config(as_bytes(kExample), "overlay.example.org", sha1);
  REQUIRE(read.has_value());
  const Kind* kind = (*read)->kinds.find(wire::kKindSipRegistration);
  REQUIRE(kind != nullptr);
  CHECK(kind->model == wire::DataModel::dictionary);
  CHECK(kind->policy == AccessPolicy::user_node_match);
  CHECK(kind->max_count == 1);
  CHECK(kind->max_size == 100);
  // By its number, too.
  const auto by_id =
      parsed(kinds("<kind id=\"1\"><data-model>SINGLE</data-model><access-control>NODE-MATCH"
                   "</access-control><max-count>2</max-count><max-size>3</max-size></kind>"));
  CHECK(by_id->kinds.find(wire::kKindSipRegistration)->policy == AccessPolicy::user_node_match);
}

TEST_CASE(
    "6940-11.1-7, 6940-11.1-8, 6940-11.1-67: of several configurations the named one is read, with the signatures "
    "behind it") {
  const auto other = read_config(as_bytes(kExample), "other.example.net", sha1);
  REQUIRE(other.has_value());
  CHECK((*other)->sequence == 0);
  CHECK((*other)->element.signatures.size() == 2);
  const auto first = read_config(as_bytes(kExample), "", sha1);
  REQUIRE(first.has_value());
  CHECK((*first)->instance_name == "overlay.example.org");
  const auto none = read_config(as_bytes(kExample), "third.example", sha1);
  REQUIRE_FALSE(none.has_value());  // 6940-11.2-9: another name than the overlay's
  CHECK(has(none.error().text, "third.example"));
  const std::string twice = R"(<overlay xmlns="urn:ietf:params:xml:ns:p2p:config-base"><configuration )"
                            R"(instance-name="a.example" sequence="1"/><configuration instance-name="a.example" )"
                            R"(sequence="2"/></overlay>)";
  CHECK(has(fault(twice), "two configurations"));
}

// 6940-11.1-15, 6940-11.1-25, 6940-11.1-34, 6940-11.1-35, 6940-11.1-36, 6940-11.1-38
TEST_CASE("6940-11.1-28, 6940-11.1-32: what is not there has its default") {
  const auto config = parsed("");
  CHECK(config->topology_plugin == "CHORD-RELOAD");
  CHECK(config->node_id_length == 16);
  CHECK(config->turn_density == 1);
  CHECK(config->clients_permitted);
  CHECK_FALSE(config->no_ice);
  CHECK(config->chord_update_interval == 600s);
  CHECK(config->chord_ping_interval == 3600s);
  CHECK(config->chord_reactive);
  CHECK(config->max_message_size == 5000);
  CHECK(config->initial_ttl == 100);
  CHECK(config->reliability_timer == 3000ms);
  CHECK(config->link_protocols == std::vector<std::string>{"TLS"});
  CHECK_FALSE(config->self_signed_digest.has_value());
  CHECK_FALSE(config->expiration.has_value());
  CHECK(config->element.signatures.empty());
  CHECK(config->kinds.find(wire::kKindSipRegistration)->kind_block.empty());
}

TEST_CASE("6940-11.1-29, 6940-11.1-30: whether clients may stay and whether there is ICE, as the document says") {
  CHECK(parsed("<clients-permitted>true</clients-permitted>")->clients_permitted);
  CHECK_FALSE(parsed("<clients-permitted>false</clients-permitted>")->clients_permitted);
  CHECK(parsed("<no-ice>true</no-ice>")->no_ice);
  CHECK_FALSE(parsed("<no-ice>false</no-ice>")->no_ice);
  CHECK_FALSE(parsed("")->no_ice);
}

TEST_CASE("6940-6.3.2.1-2: a configuration without a right sequence is refused") {
  CHECK(has(fault(document("", R"(instance-name="a.example")")), "sequence"));
  for (const char* value : {"65535", "-1", "x", "", "1.5"}) {
    CAPTURE(value);
    const std::string text = fault(document("", "instance-name='a.example' sequence='" + std::string(value) + "'"));
    CHECK(has(text, "sequence is \"" + std::string(value) + "\""));
    CHECK(has(text, "65534"));
  }
  CHECK(parse_config(as_bytes(document("", "instance-name='a.example' sequence=' 65534 '")), "", sha1).has_value());
}

TEST_CASE("6940-6.3.2-5: an overlay's name is a DNS name") {
  for (const char* name :
       {"", "a..b", "-a.example", "a-.example", "a_b.example", "a b", "a.example.", "\xc3\xa9.example"}) {
    CAPTURE(name);
    const auto config =
        parse_config(as_bytes(document("", "sequence='1' instance-name='" + std::string(name) + "'")), "", sha1);
    REQUIRE_FALSE(config.has_value());
    CHECK(has(config.error().text, "DNS name"));
  }
  CHECK_FALSE(
      parse_config(as_bytes(document("", "sequence='1' instance-name='" + std::string(64, 'a') + "'")), "", sha1));
  CHECK_FALSE(parse_config(as_bytes(document("", "sequence='1'")), "", sha1).has_value());
}

TEST_CASE("6940-11.1-11: times are RFC 3339 in UTC") {
  const auto at = [](const std::string& time) {
    return parse_config(as_bytes(document("", "instance-name='a.example' sequence='1' expiration='" + time + "'")), "",
                        sha1);
  };
  for (const char* good :
       {"2030-01-02T03:04:05Z", "2030-01-02T03:04:05.678Z", "2030-01-02t03:04:05z", "2030-01-02T03:04:05+00:00"}) {
    CAPTURE(good);
    REQUIRE(at(good).has_value());
    CHECK((*at(good))->expiration == from_unix_seconds(1893553445));
  }
  for (const char* bad : {"2030-01-02T03:04:05", "2030-01-02T03:04:05+01:00", "2030-02-30T00:00:00Z", "2030-01-02",
                          "2030-01-02T24:00:00Z", "2030-01-02T00:60:00Z", "2030-01-02T00:00:00.Z", "soon"}) {
    CAPTURE(bad);
    REQUIRE_FALSE(at(bad).has_value());
    CHECK(has(at(bad).error().text, "UTC time"));
  }
}

TEST_CASE(
    "6940-11.1-14, 6940-11.1-17, 6940-11.1-37: each wrong value is refused with its element, itself and the cure") {
  struct Row {
    std::string_view inside;
    std::string_view names;
    std::string_view cure;
  };
  for (const Row& row : {
           Row{"<node-id-length>15</node-id-length>", "node-id-length is \"15\"", "16 to 20"},
           Row{"<node-id-length>21</node-id-length>", "node-id-length is \"21\"", "16 to 20"},
           Row{"<node-id-length>17</node-id-length>", "node-id-length 17", "only 16"},
           Row{"<overlay-reliability-timer>199</overlay-reliability-timer>", "overlay-reliability-timer is \"199\"",
               "200"},
           Row{"<enrollment-server>http://a</enrollment-server>", "enrollment-server is \"http://a\"", "https:"},
           Row{"<root-cert>%%%</root-cert>", "root-cert is \"%%%\"", "base64"},
           Row{"<root-cert/>", "root-cert", "not empty"},
           Row{"<turn-density>256</turn-density>", "turn-density is \"256\"", "255"},
           Row{"<clients-permitted>yes</clients-permitted>", "clients-permitted is \"yes\"", "true or false"},
           Row{"<no-ice>TRUE</no-ice>", "no-ice is \"TRUE\"", "true or false"},
           Row{"<initial-ttl>0</initial-ttl>", "initial-ttl is \"0\"", "1 to 255"},
           Row{"<initial-ttl>256</initial-ttl>", "initial-ttl is \"256\"", "1 to 255"},
           Row{"<max-message-size>0</max-message-size>", "max-message-size is \"0\"", "number"},
           Row{"<chord:chord-update-interval>0</chord:chord-update-interval>", "chord-update-interval", "number"},
           Row{"<chord:chord-ping-interval>-5</chord:chord-ping-interval>", "chord-ping-interval is \"-5\"", "number"},
           Row{"<chord:chord-reactive>maybe</chord:chord-reactive>", "chord-reactive is \"maybe\"", "true or false"},
           Row{"<bad-node>1234</bad-node>", "bad-node is \"1234\"", "32 hexadecimal"},
           Row{"<kind-signer>47112162e84c69ba</kind-signer>", "kind-signer", "32 hexadecimal"},
           Row{"<configuration-signer>x</configuration-signer>", "configuration-signer is \"x\"", "32 hexadecimal"},
           Row{"<bootstrap-node/>", "bootstrap-node", "address"},
           Row{"<bootstrap-node address='a.example'/>", "\"a.example\"", "IPv4 or IPv6"},
           Row{"<bootstrap-node address='10.0.0.1' port='0'/>", "port of bootstrap-node is \"0\"", "65535"},
           Row{"<self-signed-permitted>true</self-signed-permitted>", "self-signed-permitted", "sha1 or sha256"},
           Row{"<self-signed-permitted digest='md5'>true</self-signed-permitted>", "\"md5\"", "sha256"},
           Row{"<topology-plugin>KADEMLIA</topology-plugin>", "\"KADEMLIA\"", "CHORD-RELOAD"},
           Row{"<overlay-link-protocol>EXP-PROTOCOL</overlay-link-protocol>", "\"EXP-PROTOCOL\"", "TLS"},
           Row{"<no-ice>0</no-ice><no-ice>1</no-ice>", "no-ice", "more than once"},
       }) {
    CAPTURE(row.inside);
    const std::string text = fault_inside(row.inside);
    CHECK_MESSAGE(has(text, row.names), text);
    CHECK_MESSAGE(has(text, row.cure), text);
  }
}

// 6940-11.1-24 is proved with certificates in tests/unit/security.
TEST_CASE("6940-11.1-20, 6940-11.1-22: self-signed-permitted, true with a digest or false") {
  CHECK(parsed("<self-signed-permitted digest='sha1'>true</self-signed-permitted>")->self_signed_digest ==
        NodeIdDigest::sha1);
  CHECK(parsed("<self-signed-permitted digest='sha256'> 1 </self-signed-permitted>")->self_signed_digest ==
        NodeIdDigest::sha256);
  CHECK_FALSE(parsed("<self-signed-permitted digest='sha256'>false</self-signed-permitted>")->self_signed_digest);
}

TEST_CASE("6940-11.1-43, 6940-11.1-44: foreign elements are passed over unless their namespace is mandatory") {
  CHECK(parsed("<x:anything><deep/></x:anything><future-element/>")->unsupported.empty());
  CHECK(parsed("<mandatory-extension> urn:ietf:params:xml:ns:p2p:config-base:sip </mandatory-extension>"
               "<mandatory-extension>urn:ietf:params:xml:ns:p2p:config-chord</mandatory-extension>")
            ->mandatory_extensions.size() == 2);
  CHECK(has(fault_inside("<mandatory-extension>urn:x</mandatory-extension>"), "\"urn:x\""));
  // Namespaces are case-sensitive.
  CHECK(
      has(fault_inside("<mandatory-extension>URN:ietf:params:xml:ns:p2p:config-chord</mandatory-extension>"), "URN:"));
}

TEST_CASE("the other spellings of the RFC's text are read too") {
  CHECK(has(fault_inside("<topology-plug-in>KADEMLIA</topology-plug-in>"), "KADEMLIA"));
  CHECK(parsed("<enrollment-server><url>https://a.example/</url></enrollment-server>")->enrollment_servers ==
        std::vector<std::string>{"https://a.example/"});
}

TEST_CASE("elements of the base namespace count, and no others of the same name") {
  CHECK(parsed("<x:initial-ttl>7</x:initial-ttl><chord-ping-interval>7</chord-ping-interval>")->initial_ttl == 100);
  CHECK(has(fault("<overlay><configuration instance-name='a.example' sequence='1'/></overlay>"), "namespace"));
  CHECK(has(fault("<x/>"), "overlay"));
}

// 6940-14.6-3, 6940-7.4.5-1: private Kinds.
TEST_CASE("6940-11.1-50, 6940-11.1-53, 6940-11.1-54, 6940-11.1-55, 6940-7.3.4-2: a Kind needs all its values") {
  const std::string good =
      "<data-model>SINGLE</data-model><access-control>NODE-MATCH</access-control>"
      "<max-count>1</max-count><max-size>9</max-size>";
  CHECK(parsed(private_kind(good))->kinds.find(KindId{0xf0000001})->policy == AccessPolicy::node_match);
  for (const char* missing : {"data-model", "access-control", "max-count", "max-size"}) {
    CAPTURE(missing);
    std::string text = good;
    const std::size_t begin = text.find("<" + std::string(missing));
    const std::size_t end = text.find("</" + std::string(missing)) + std::string(missing).size() + 3;
    text.erase(begin, end - begin);
    CHECK(has(fault_inside(private_kind(text)), "has no " + std::string(missing)));
    CHECK(has(fault_inside(private_kind(good + good)), "more than one"));
  }
  const std::string multiple =
      "<data-model>SINGLE</data-model><access-control>NODE-MULTIPLE</access-control>"
      "<max-count>1</max-count><max-size>9</max-size>";
  CHECK(has(fault_inside(private_kind(multiple)), "no max-node-multiple"));
  CHECK(has(fault_inside(private_kind(multiple + "<max-node-multiple>0</max-node-multiple>")), "is \"0\""));
  CHECK(parsed(private_kind(multiple + "<max-node-multiple>1</max-node-multiple>"))->unsupported.empty());
}

TEST_CASE("6940-7.3.3-1, 6940-11.1-46: what a Kind demands must be possible") {
  const auto kind = [](const std::string& model, const std::string& policy) {
    return private_kind("<data-model>" + model + "</data-model><access-control>" + policy +
                        "</access-control><max-count>1</max-count><max-size>9</max-size>");
  };
  CHECK(has(fault_inside(kind("ARRAY", "USER-NODE-MATCH")), "DICTIONARY"));
  CHECK(has(fault_inside(kind("EXP-DATA", "NODE-MATCH")), "\"EXP-DATA\""));
  CHECK(has(fault_inside(kind("single", "NODE-MATCH")), "\"single\""));
  CHECK(has(fault_inside(kind("ARRAY", "EXP-MATCH")), "\"EXP-MATCH\""));
  CHECK(has(fault_inside(kinds("<kind name='NO-SUCH'><max-count>1</max-count><max-size>1</max-size></kind>")),
            "NO-SUCH"));
  CHECK(has(fault_inside(kinds("<kind><max-count>1</max-count></kind>")), "either"));
  CHECK(has(fault_inside(kinds("<kind id='2' name='TURN-SERVICE'/>")), "either"));
  CHECK(has(fault_inside(kinds("")), "no kind"));
  for (const char* reserved : {"0", "2147483647", "4294967294", "4294967295", "4294967296"})
    CHECK(has(fault_inside(kinds("<kind id='" + std::string(reserved) + "'/>")), "attribute id"));
  const std::string once =
      "<kind-block><kind name='TURN-SERVICE'><max-count>1</max-count><max-size>40</max-size>"
      "</kind></kind-block>";
  CHECK(has(fault_inside("<required-kinds>" + once + once + "</required-kinds>"), "twice"));
}

TEST_CASE("7904-3.4-2, 7904-3.4-3, 7904-3.4-5: the domain restriction of SIP-REGISTRATION") {
  const auto sip = [](const std::string& restriction) {
    return kinds("<kind name='SIP-REGISTRATION'><max-count>4</max-count><max-size>500</max-size>" + restriction +
                 "</kind>");
  };
  const auto rule = [&](const std::string& restriction) {
    return parsed(sip(restriction))->kinds.find(wire::kKindSipRegistration)->domain_restriction;
  };
  CHECK_FALSE(rule("").has_value());
  CHECK_FALSE(rule("<s:domain-restriction/>")->enable);
  CHECK_FALSE(rule("<s:domain-restriction enable='0'/>")->enable);
  const auto two = rule(
      "<s:domain-restrictions enable=' true '><s:pattern> a\\.example </s:pattern><s:pattern>.*"
      "</s:pattern></s:domain-restrictions>");
  REQUIRE(two.has_value());
  CHECK(two->enable);
  REQUIRE(two->patterns.size() == 2);
  CHECK(two->patterns[0].matches("a.example"));
  CHECK_FALSE(rule("<domain-restriction enable='1'/>").has_value());
  CHECK(has(fault_inside(sip("<s:domain-restriction enable='x'/>")), "enable"));
  CHECK(has(fault_inside(sip("<s:domain-restriction enable='1'><s:pattern>(</s:pattern></s:domain-restriction>")),
            "regular expression"));
  CHECK(has(fault_inside(sip("<s:domain-restriction/><s:domain-restriction/>")), "more than one"));
  // In another Kind or outside of one it means nothing.
  CHECK(parsed("<s:domain-restriction enable='1'/>")->kinds.find(wire::kKindSipRegistration)->domain_restriction ==
        std::nullopt);
}

TEST_CASE("6940-6.5.4.1-3: a kind-block stands alone in a ConfigUpdate, in the base namespace") {
  const std::string_view block =
      "<kind-block><kind id=\"4026531841\"><data-model>SINGLE</data-model><access-control>USER-MATCH</access-control>"
      "<max-count>1</max-count><max-size>9</max-size></kind><kind-signature>AQI=</kind-signature></kind-block>";
  const auto kind = parse_kind_block(as_bytes(block));
  REQUIRE(kind.has_value());
  CHECK(kind->id == KindId{0xf0000001});
  CHECK(as_text(kind->kind_block) == block);
  CHECK(as_text(kind->element.bytes) == block.substr(12, block.find("</kind>") + 7 - 12));
  CHECK(kind->element.signatures == std::vector<Bytes>{{1, 2}});
  CHECK_FALSE(parse_kind_block(as_bytes("<kind-block/>")).has_value());
  CHECK_FALSE(parse_kind_block(as_bytes("<kind/>")).has_value());
  CHECK_FALSE(parse_kind_block(as_bytes("")).has_value());
  CHECK_FALSE(parse_kind_block(as_bytes("</overlay><overlay>")).has_value());
  CHECK_FALSE(parse_kind_block(as_bytes(std::string(block) + std::string(block))).has_value());
}
