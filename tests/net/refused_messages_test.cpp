// Messages that a guest with a right certificate sends to a real peer and that break a rule: answered as the RFC says,
// counted, and nothing stored changes.
#include <doctest/doctest.h>

#include "reload/io/system_clock.hpp"
#include "reload/security/data_signature.hpp"
#include "tests/net/real_peer.hpp"
#include "tests/net/rogue.hpp"

using namespace reload;
using namespace reload::net;
using wire::ErrorCode;
using wire::MessageCode;

namespace {

const std::string kUser = "alice@net.example";
const std::string kMallory = "mallory@net.example";

std::uint64_t now_ms() {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(io::system_now().wall.time_since_epoch()).count());
}

struct Bed {
  kit::Fixture overlay{"net.example"};
  config::ConfigPtr config = overlay.config_ptr();
  Loop loop;
  RealPeer peer{loop, {config, overlay.issue(kit::node_number(1), "node1@net.example"), true, {}, {}, 2}};
  security::CredentialPtr mallory = overlay.issue(kit::node_number(9), kMallory);
  std::unique_ptr<Rogue> rogue;
  std::string before;

  Bed() {
    REQUIRE(loop.run_until([&] { return peer.ready(); }));
    peer.node().add_user(overlay.issue(kit::node_number(50), kUser));
    REQUIRE(store(loop, peer, kUser, "kept"));
    before = peer.content();
    rogue = connect(mallory);
  }
  std::unique_ptr<Rogue> connect(security::CredentialPtr credential) {
    const auto opened = peer.count(Counter::links_opened);
    auto made = std::make_unique<Rogue>(peer.address(), std::move(credential));
    REQUIRE(loop.run_until([&] { return made->up() && peer.count(Counter::links_opened) == opened + 1; }));
    return made;
  }
  // The reply to a message over the guest's link.
  std::optional<Reply> ask(const Crafted& message, const security::Credential& signer) {
    rogue->send_message(message.bytes(signer, overlay.crypto()));
    std::optional<Reply> reply;
    REQUIRE(loop.run_until([&] {
      rogue->pump();
      reply = reply_to(*rogue, message.header.transaction_id);
      return reply.has_value();
    }));
    return reply;
  }
  void expect_error(const Crafted& message, ErrorCode code, Counter counter) {
    const auto counted = peer.count(counter);
    const auto reply = ask(message, *mallory);
    CHECK(reply->code == MessageCode::error);
    CHECK(reply->error == code);
    CHECK(peer.count(counter) == counted + 1);
    expect_unharmed();
  }
  void expect_dropped(ByteView message, Counter counter) {
    const auto counted = peer.count(counter);
    rogue->send_message(message);
    CHECK(loop.run_until([&] { return peer.count(counter) == counted + 1; }));
    expect_unharmed();
    CHECK(rogue->messages().size() == replies_);  // of the pings that follow, and no more
  }
  // The peer holds what it held and answers on this very link.
  void expect_unharmed() {
    CHECK(peer.content() == before);
    const Crafted ping(*config, peer.id(), MessageCode::ping_req, wire::encode(wire::PingReq{}));
    CHECK(ask(ping, *mallory)->code == MessageCode::ping_ans);
    replies_ = rogue->messages().size();
    CHECK(peer.ready());
  }
  std::size_t replies_ = 0;

  // A Store of one registration under `name`, signed by `signer`, with the dictionary key `key`.
  wire::StoreReq registration(const std::string& name, const security::CredentialPtr& signer, const NodeId& key,
                              const std::string& text, std::uint64_t time) {
    wire::StoredData data;
    data.storage_time = time;
    data.lifetime = 600;
    data.value = wire::DictionaryEntry{to_bytes(key.view()), {true, to_bytes(as_bytes(text))}};
    const ResourceId resource = peer.node().resource(name);
    auto result =
        security::run(security::SignJob{signer, security::data_signature_input(resource, wire::kKindSipRegistration,
                                                                               data.storage_time, data.value)},
                      overlay.crypto());
    data.signature = *std::get<security::SignResult>(result).signature;
    wire::StoreReq request;
    request.resource = resource;
    request.kind_data = {{wire::kKindSipRegistration, 0, {std::move(data)}, {}}};
    return request;
  }
  Crafted store_of(const wire::StoreReq& request) {
    return Crafted(*config, request.resource, MessageCode::store_req, wire::encode(request));
  }
};

}  // namespace

TEST_CASE("a guest may store under its own name; the same bytes again are stored once") {
  Bed bed;
  const auto message = bed.store_of(bed.registration(kMallory, bed.mallory, bed.mallory->node_id, "mine", now_ms()));
  CHECK(bed.ask(message, *bed.mallory)->code == MessageCode::store_ans);
  CHECK(bed.peer.store().value_count() == 2);
  bed.before = bed.peer.content();
  const auto accepted = bed.peer.count(Counter::stores_accepted);
  const auto written = bed.peer.count(Counter::values_stored);

  SUBCASE("on the same link") { bed.rogue->send_message(message.bytes(*bed.mallory, bed.overlay.crypto())); }
  SUBCASE("on another's link") {
    const auto other = bed.connect(bed.overlay.issue(kit::node_number(10), "eve@net.example"));
    other->send_message(message.bytes(*bed.mallory, bed.overlay.crypto()));
    CHECK(bed.loop.run_until([&] { return bed.peer.count(Counter::requests_repeated) == 1; }));
  }
  CHECK(bed.loop.run_until([&] { return bed.peer.count(Counter::requests_repeated) == 1; }));
  CHECK(bed.peer.count(Counter::stores_accepted) == accepted);
  CHECK(bed.peer.count(Counter::values_stored) == written);
  bed.expect_unharmed();
}

TEST_CASE("6940-7.3.3-2, 6940-7.4.1.1-15: a Store under someone else's name is forbidden") {
  Bed bed;
  for (const NodeId& key : {bed.mallory->node_id, kit::node_number(50)})
    bed.expect_error(bed.store_of(bed.registration(kUser, bed.mallory, key, "stolen", now_ms())), ErrorCode::forbidden,
                     Counter::stores_refused);
}

TEST_CASE("6940-7.3.3-3: a Store under another Node-ID's key is forbidden, though the name is the signer's") {
  Bed bed;
  bed.expect_error(bed.store_of(bed.registration(kMallory, bed.mallory, kit::node_number(50), "x", now_ms())),
                   ErrorCode::forbidden, Counter::stores_refused);
}

TEST_CASE("6940-7.4.1.1-13: a value whose signature does not verify is forbidden") {
  Bed bed;
  auto request = bed.registration(kMallory, bed.mallory, bed.mallory->node_id, "mine", now_ms());
  auto& data = request.kind_data.front().values.front();
  SUBCASE("the signature is changed") { data.signature.value.back() ^= 1; }
  SUBCASE("the value is changed") { wire::data_value(data.value).value.back() ^= 1; }
  SUBCASE("the time is changed") { ++data.storage_time; }
  bed.expect_error(bed.store_of(request), ErrorCode::forbidden, Counter::stores_refused);
}

TEST_CASE("a value whose signer's certificate has expired is forbidden") {
  Bed bed;
  const auto late = bed.overlay.expired(kit::node_number(50), kUser);
  bed.expect_error(bed.store_of(bed.registration(kUser, late, late->node_id, "late", now_ms())), ErrorCode::forbidden,
                   Counter::stores_refused);
}

TEST_CASE("6940-7-3: a value older than the one that is stored is refused as too old") {
  Bed bed;
  const auto newer = bed.store_of(bed.registration(kMallory, bed.mallory, bed.mallory->node_id, "new", now_ms()));
  REQUIRE(bed.ask(newer, *bed.mallory)->code == MessageCode::store_ans);
  bed.before = bed.peer.content();
  bed.expect_error(
      bed.store_of(bed.registration(kMallory, bed.mallory, bed.mallory->node_id, "old", now_ms() - 3'600'000)),
      ErrorCode::data_too_old, Counter::stores_refused);
}

TEST_CASE("6940-6.3.4-22, 6940-6.3.4-23: a message whose signature does not verify is dropped") {
  Bed bed;
  auto message = bed.store_of(bed.registration(kMallory, bed.mallory, bed.mallory->node_id, "mine", now_ms()));
  message.spoil_signature = true;
  bed.expect_dropped(message.bytes(*bed.mallory, bed.overlay.crypto()), Counter::signatures_bad);
}

TEST_CASE("a message signed with an expired certificate, or one of a foreign authority, is dropped") {
  Bed bed;
  security::CredentialPtr signer;
  SUBCASE("expired") { signer = bed.overlay.expired(kit::node_number(12), "late@net.example"); }
  SUBCASE("foreign") { signer = bed.overlay.from_other_authority(kit::node_number(12), "late@net.example"); }
  const Crafted ping(*bed.config, bed.peer.id(), MessageCode::ping_req, wire::encode(wire::PingReq{}));
  bed.expect_dropped(ping.bytes(*signer, bed.overlay.crypto()), Counter::certificates_refused);
}

TEST_CASE(
    "6940-6.1-1, 6940-6.3.2-7: a message of another overlay, of another version or cut within its header is dropped") {
  Bed bed;
  Crafted ping(*bed.config, bed.peer.id(), MessageCode::ping_req, wire::encode(wire::PingReq{}));
  Counter counter = Counter::wrong_overlay;
  std::size_t cut = 0;
  SUBCASE("another overlay") { ping.header.overlay ^= 1; }
  SUBCASE("another version") {
    ping.header.version = 1;
    counter = Counter::wrong_version;
  }
  SUBCASE("cut") {
    cut = 20;
    counter = Counter::headers_malformed;
  }
  Bytes message = ping.bytes(*bed.mallory, bed.overlay.crypto());
  if (cut != 0) message.resize(cut);
  bed.expect_dropped(message, counter);
}

TEST_CASE("6940-6.3.2-9, 6940-6.3.2-13: a message whose TTL is used up goes no further") {
  Bed bed;
  const auto other = bed.connect(bed.overlay.issue(kit::node_number(10), "eve@net.example"));
  Crafted ping(*bed.config, other->credential()->node_id, MessageCode::ping_req, wire::encode(wire::PingReq{}));
  SUBCASE("0 to be forwarded") { ping.header.ttl = 0; }
  SUBCASE("above initial-ttl") { ping.header.ttl = 101; }
  bed.expect_error(ping, ErrorCode::ttl_exceeded, Counter::ttl_exceeded);
  other->pump();
  CHECK(other->messages().empty());
}

TEST_CASE("a body that is no Store is an invalid message") {
  Bed bed;
  const Crafted message(*bed.config, bed.peer.node().resource(kMallory), MessageCode::store_req, Bytes{1, 2, 3});
  bed.expect_error(message, ErrorCode::invalid_message, Counter::errors_sent);
}
