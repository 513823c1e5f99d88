// What comes in on a real peer's port and is no peer: no TLS, wrong certificates, broken frames. The peer lives, says
// why, counts it, and nothing stored changes.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "tests/net/real_peer.hpp"
#include "tests/net/rogue.hpp"

using namespace reload;
using namespace reload::net;

namespace {

const std::string kUser = "alice@net.example";

struct Bed {
  kit::Fixture overlay{"net.example"};
  config::ConfigPtr config = overlay.config_ptr();
  Loop loop;
  security::CredentialPtr own = overlay.issue(kit::node_number(1), "node1@net.example");
  RealPeer peer{loop, {config, own, true, {}, {}, 2}};
  std::string before;

  Bed() {
    REQUIRE(loop.run_until([&] { return peer.ready(); }));
    peer.node().add_user(overlay.issue(kit::node_number(50), kUser));
    REQUIRE(store(loop, peer, kUser, "kept"));
    before = peer.content();
  }
  ~Bed() {
    CHECK(peer.content() == before);
    CHECK(peer.ready());
    CHECK(fetch(loop, peer, kUser) == "kept");
  }
  // A guest whose certificate is right.
  std::unique_ptr<Rogue> guest() {
    auto rogue = std::make_unique<Rogue>(peer.address(), overlay.issue(kit::node_number(9), "mallory@net.example"));
    REQUIRE(loop.run_until([&] { return rogue->up() && peer.count(Counter::links_opened) == 1; }));
    return rogue;
  }
  void expect_refused(security::CredentialPtr credential, Counter counter, const std::string& reason) {
    CAPTURE(reason);
    const auto counted = peer.count(counter);
    Rogue rogue(peer.address(), std::move(credential));
    CHECK(loop.run_until([&] { return rogue.closed() && peer.count(counter) == counted + 1; }));
    CHECK_MESSAGE(peer.why().find(reason) != std::string::npos, peer.why());
    CHECK(peer.count(Counter::links_opened) == 0);
    CHECK(rogue.messages().empty());
  }
  void expect_closed(Rogue& rogue, Counter counter, const std::string& reason) {
    CHECK(loop.run_until([&] { return rogue.closed() && peer.count(Counter::links_closed) == 1; }));
    CHECK(peer.count(counter) == 1);
    CHECK_MESSAGE(peer.why().find(reason) != std::string::npos, peer.why());
  }
};

}  // namespace

TEST_CASE("a connection without TLS, or that ends within the handshake, is counted and gone") {
  Bed bed;
  Rogue rogue(bed.peer.address(), nullptr);
  rogue.send_raw(as_bytes("GET /status HTTP/1.1\r\nHost: peer\r\n\r\n"));
  CHECK(bed.loop.run_until([&] { return bed.peer.count(Counter::handshakes_failed) == 1; }));
  Rogue silent(bed.peer.address(), nullptr);
  silent.hang_up();
  CHECK(bed.loop.run_until([&] { return bed.peer.count(Counter::handshakes_failed) == 2; }));
  CHECK_MESSAGE(bed.peer.why().find("closed by the other side") != std::string::npos, bed.peer.why());
}

TEST_CASE("6940-6.5.1.13-3: a client without certificate, or with one that does not count, gets no link") {
  Bed bed;
  const NodeId id = kit::node_number(9);
  const std::string user = "mallory@net.example";
  bed.expect_refused(nullptr, Counter::handshakes_failed, "peer did not return a certificate");
  bed.expect_refused(kit::Fixture("other.example").issue(id, "mallory@other.example"), Counter::links_refused,
                     "certificate is of overlay other.example, not net.example");
  bed.expect_refused(bed.overlay.from_other_authority(id, user), Counter::links_refused, "does not chain");
  bed.expect_refused(bed.overlay.expired(id, user), Counter::links_refused, "certificate is expired");
  bed.expect_refused(bed.overlay.not_yet_valid(id, user), Counter::links_refused, "certificate is not valid yet");
  bed.expect_refused(bed.overlay.self_signed(user, config::NodeIdDigest::sha256), Counter::links_refused,
                     "does not chain");
  bed.expect_refused(bed.overlay.issue(bed.overlay.spec({}, user)), Counter::links_refused, "no Node-ID");
  for (const char* uri :
       {"reload://zz@net.example/", "reload://0110@net.example/", "reload://", "https://net.example"}) {
    kit::CertificateSpec spec = bed.overlay.spec({}, user);
    spec.extra_names = std::string("URI:") + uri;
    bed.expect_refused(bed.overlay.authority().issue_unread(spec), Counter::links_refused, "Node-ID");
  }
  bed.expect_refused(bed.own, Counter::links_refused, "this node itself");
}

TEST_CASE("6940-6.5.1.14-1: what comes right behind the other side's handshake is read") {
  Bed bed;
  Rogue rogue(bed.peer.address(), bed.overlay.issue(kit::node_number(9), "mallory@net.example"));
  const Crafted ping(*bed.config, bed.peer.id(), wire::MessageCode::ping_req, wire::encode(wire::PingReq{}));
  bool sent = false;
  std::optional<Reply> reply;
  CHECK(bed.loop.run_until([&] {
    if (!sent && rogue.up()) {
      CHECK(bed.peer.count(Counter::links_opened) == 0);  // the peer has not seen the end of the handshake yet
      rogue.send_message(ping.bytes(*rogue.credential(), bed.overlay.crypto()));
      sent = true;
    }
    rogue.pump();
    reply = reply_to(rogue, ping.header.transaction_id);
    return reply.has_value();
  }));
  REQUIRE(reply);
  CHECK(reply->code == wire::MessageCode::ping_ans);
}

TEST_CASE("a frame that ends with its link leaves nothing") {
  Bed bed;
  const auto rogue = bed.guest();
  const auto delivered = bed.peer.count(Counter::messages_delivered);
  Bytes frame = wire::encode(wire::DataFrame{0, Bytes(1000, 0x55)});
  frame.resize(18);
  rogue->send(frame);
  rogue->hang_up();
  CHECK(bed.loop.run_until([&] { return bed.peer.count(Counter::links_closed) == 1; }));
  CHECK(bed.peer.count(Counter::messages_delivered) == delivered);
}

TEST_CASE("a frame above max-message-size closes its link") {
  Bed bed;
  const auto rogue = bed.guest();
  Bytes frame(100, 0x55);  // no header in it that an error could answer
  const Bytes head{0x80, 0, 0, 0, 0, 0xff, 0xff, 0xff};
  std::ranges::copy(head, frame.begin());
  rogue->send(frame);
  bed.expect_closed(*rogue, Counter::frames_oversized, "max-message-size");
}

TEST_CASE(
    "6940-6.6-2: a request above max-message-size is answered with Error_Message_Too_Large before its link ends") {
  Bed bed;
  const auto rogue = bed.guest();
  const Crafted ping(*bed.config, bed.peer.id(), wire::MessageCode::ping_req, Bytes(bed.config->max_message_size, 0));
  rogue->send_message(ping.bytes(*rogue->credential(), bed.overlay.crypto()));
  bed.expect_closed(*rogue, Counter::frames_oversized, "max-message-size");
  const auto reply = reply_to(*rogue, ping.header.transaction_id);
  REQUIRE(reply);
  CHECK(reply->error == wire::ErrorCode::message_too_large);
}

TEST_CASE("an unknown type of frame closes its link") {
  Bed bed;
  const auto rogue = bed.guest();
  rogue->send(Bytes{0x42, 0, 0, 0, 0, 0, 0, 1, 0});
  bed.expect_closed(*rogue, Counter::frames_malformed, "a malformed frame");
}

TEST_CASE("garbage after the handshake closes the link") {
  Bed bed;
  const auto rogue = bed.guest();
  rogue->send(as_bytes("GET /status HTTP/1.1\r\nHost: peer\r\n\r\n"));
  bed.expect_closed(*rogue, Counter::frames_malformed, "a malformed frame");
}

TEST_CASE("garbage past TLS ends the link, and is told") {
  Bed bed;
  const auto rogue = bed.guest();
  rogue->send_raw(as_bytes("this is no TLS record at all"));
  CHECK(bed.loop.run_until([&] { return bed.peer.count(Counter::links_closed) == 1; }));
  CHECK(bed.peer.ends().size() == 1);
}

namespace {

// A server that takes connections and speaks no TLS.
class Babbler {
 public:
  Babbler() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    REQUIRE(::bind(socket_, reinterpret_cast<const sockaddr*>(&at), size) == 0);
    REQUIRE(::listen(socket_, 16) == 0);
    REQUIRE(::getsockname(socket_, reinterpret_cast<sockaddr*>(&at), &size) == 0);
    address_ = *io::parse_address("127.0.0.1:" + std::to_string(ntohs(at.sin_port)));
  }
  ~Babbler() { ::close(socket_); }
  Babbler(const Babbler&) = delete;
  Babbler& operator=(const Babbler&) = delete;

  [[nodiscard]] wire::IpAddressPort address() const { return address_; }
  void pump() {
    const int accepted = ::accept(socket_, nullptr, nullptr);
    if (accepted < 0) return;
    const std::string words = "220 mail.example ESMTP, what is it you want of me?\r\n";
    CHECK(::send(accepted, words.data(), words.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(words.size()));
    ::close(accepted);
  }

 private:
  int socket_;
  wire::IpAddressPort address_;
};

}  // namespace

TEST_CASE("bootstrap nodes that are no peers of this overlay are told, counted, and passed over") {
  Bed bed;
  Babbler babbler;
  const kit::Fixture other("other.example");
  RealPeer foreign(bed.loop,
                   {other.config_ptr(), other.issue(kit::node_number(3), "n@other.example"), true, {}, {}, 0});
  RealPeer fresh(bed.loop, {bed.config,
                            bed.overlay.issue(kit::node_number(2), "node2@net.example"),
                            false,
                            {babbler.address(), foreign.address(), bed.peer.address()},
                            {},
                            2});
  const auto joined = [&] {
    babbler.pump();
    return fresh.ready() && bed.peer.ready();
  };
  CHECK(bed.loop.run_until(joined));
  RealPeer lost(bed.loop, {bed.config,
                           bed.overlay.issue(kit::node_number(4), "node4@net.example"),
                           false,
                           {babbler.address(), foreign.address()},
                           {},
                           2});
  const auto tried_both = [&] {
    babbler.pump();
    return lost.count(Counter::links_failed) > 0 && lost.count(Counter::links_refused) > 0 &&
           foreign.count(Counter::links_refused) > 0 && lost.ends().size() >= 2;
  };
  CHECK(bed.loop.run_until(tried_both));
  CHECK_FALSE(lost.node().joined());
  for (const char* reason : {"wrong version number", "certificate is of overlay other.example, not net.example"})
    CHECK_MESSAGE(lost.why().find(reason) != std::string::npos, lost.why());
}
