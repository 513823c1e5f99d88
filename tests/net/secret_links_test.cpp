// Overlays with a shared secret (6940 13.4) on real sockets, and what never gets as far as the node's messages: bytes
// that come without the secure channel that the overlay wants (6940 13.2).
#include <doctest/doctest.h>

#include "tests/net/real_peer.hpp"
#include "tests/net/rogue.hpp"

using namespace reload;
using namespace reload::net;

namespace {

const std::string kUser = "alice@secret.example";

struct Bed {
  kit::Fixture overlay{"secret.example"};
  Loop loop;

  [[nodiscard]] config::ConfigPtr config(std::optional<std::string> secret) const {
    auto config = overlay.config();
    config.shared_secret = std::move(secret);
    return std::make_shared<config::OverlayConfig>(std::move(config));
  }
  [[nodiscard]] std::unique_ptr<RealPeer> peer(std::uint8_t number, config::ConfigPtr config, const RealPeer* first) {
    const auto credential =
        overlay.issue(kit::node_number(number), "node" + std::to_string(number) + "@secret.example");
    PeerSetup setup{std::move(config), credential, first == nullptr, {}, {}, 0};
    if (first != nullptr) setup.bootstrap = {first->address()};
    return std::make_unique<RealPeer>(loop, setup);
  }
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("6940-13.4-1: peers that share the secret make a ring; who has another one, or none, stays out") {
  Bed bed;
  const auto config = bed.config("our secret");
  const auto first = bed.peer(1, config, nullptr);
  REQUIRE(bed.loop.run_until([&] { return first->ready(); }));
  const auto second = bed.peer(2, config, first.get());
  const auto third = bed.peer(3, config, first.get());
  REQUIRE_MESSAGE(bed.loop.run_until([&] { return second->ready() && third->ready(); }), second->why());
  second->node().add_user(bed.overlay.issue(kit::node_number(50), kUser));
  REQUIRE(store(bed.loop, *second, kUser, "kept"));
  CHECK(fetch(bed.loop, *third, kUser) == "kept");
  CHECK(first->count(Counter::handshakes_failed) == 0);

  for (const auto& secret : {std::optional<std::string>("another secret"), std::optional<std::string>()}) {
    const auto failed = first->count(Counter::handshakes_failed);
    const auto opened = first->count(Counter::links_opened);
    const auto stranger = bed.peer(4, bed.config(secret), first.get());
    CHECK(bed.loop.run_until([&] {
      return first->count(Counter::handshakes_failed) > failed && stranger->count(Counter::links_failed) > 0;
    }));
    CHECK(first->count(Counter::links_opened) == opened);
    CHECK_FALSE(stranger->ready());
    const std::string cure = "do both sides have the same configuration document?";
    CHECK_MESSAGE(has(first->why(), cure), first->why());
    if (secret) CHECK_MESSAGE(has(stranger->why(), cure), stranger->why());
  }
  // And the other way round: no member links to who does not prove the secret.
  const auto open = bed.peer(5, bed.config(std::nullopt), nullptr);
  REQUIRE(bed.loop.run_until([&] { return open->ready(); }));
  const auto member = bed.peer(6, config, open.get());
  CHECK(bed.loop.run_until([&] { return member->count(Counter::links_failed) > 0; }));
  CHECK(member->count(Counter::links_opened) == 0);
  CHECK_FALSE(member->ready());
}

TEST_CASE("6940-13.2-1: a message that does not come over a secure channel with a proven other side is not read") {
  Bed bed;
  const auto guest = bed.overlay.issue(kit::node_number(9), "guest@secret.example");
  for (const auto& secret : {std::optional<std::string>(), std::optional<std::string>("our secret")}) {
    CAPTURE(secret.has_value());
    const auto config = bed.config(secret);
    const auto peer = bed.peer(1, config, nullptr);
    REQUIRE(bed.loop.run_until([&] { return peer->ready(); }));
    const auto seen = [&] {
      return peer->count(Counter::messages_delivered) + peer->count(Counter::headers_malformed) +
             peer->count(Counter::bytes_received) + peer->count(Counter::links_opened);
    };
    const auto before = seen();
    // A message that is right in every other way: from a member, signed, for this peer.
    const Crafted ping(*config, peer->id(), wire::MessageCode::ping_req, wire::encode(wire::PingReq{}));
    const Bytes frame = wire::encode(wire::DataFrame{0, ping.bytes(*guest, bed.overlay.crypto())});

    Rogue plain(peer->address(), nullptr);
    plain.send_raw(frame);
    CHECK(bed.loop.run_until([&] { return peer->count(Counter::handshakes_failed) == 1; }));

    Rogue nameless(peer->address(), nullptr);
    bool sent = false;
    CHECK(bed.loop.run_until([&] {
      if (!sent && nameless.up()) {
        nameless.send(frame);  // as soon as its own side is done
        sent = true;
      }
      return nameless.closed() && peer->count(Counter::handshakes_failed) == 2;
    }));
    CHECK(sent == !secret.has_value());
    CHECK(seen() == before);

    Rogue proven(peer->address(), guest);
    sent = false;
    CHECK(bed.loop.run_until([&] {
      if (!sent && proven.up()) {
        proven.send(frame);
        sent = true;
      }
      proven.pump();
      return secret ? peer->count(Counter::handshakes_failed) == 3
                    : reply_to(proven, ping.header.transaction_id).has_value();
    }));
    CHECK((seen() == before) == secret.has_value());
    CHECK(peer->count(Counter::links_opened) == (secret ? 0 : 1));
  }
}
