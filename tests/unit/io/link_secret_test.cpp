#include "reload/io/link_secret.hpp"

#include <doctest/doctest.h>
#include <openssl/ssl.h>

#include "reload/io/link_proof.hpp"
#include "reload/io/tls_context.hpp"
#include "reload/io/tls_session.hpp"
#include "tests/kit/fixtures.hpp"

using namespace reload;
using io::TlsContext;
using io::TlsSession;

namespace {

using Role = TlsSession::Role;
using State = TlsSession::State;
using Chain = std::vector<Bytes>;

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

struct Bed {
  kit::Fixture overlay{"psk.example"};
  security::CredentialPtr anna = overlay.issue(kit::node_number(1), "anna@psk.example");
  security::CredentialPtr bert = overlay.issue(kit::node_number(2), "bert@psk.example");

  [[nodiscard]] config::OverlayConfig config(std::optional<std::string> secret) const {
    auto config = overlay.config();
    config.shared_secret = std::move(secret);
    return config;
  }
  static std::shared_ptr<TlsContext> context(const security::Credential& credential,
                                             const config::OverlayConfig& config) {
    auto secret = io::derive_link_secret(config);
    REQUIRE(secret.has_value());
    auto made = TlsContext::make(credential, std::move(*secret));
    REQUIRE_MESSAGE(made.has_value(), made.error().text);
    return *made;
  }
};

// Two ends of one connection, the bytes carried by the test.
struct Connection {
  std::shared_ptr<TlsContext> of_client;
  std::shared_ptr<TlsContext> of_server;
  TlsSession client{*of_client, Role::client};
  TlsSession server{*of_server, Role::server};

  void carry() {
    for (int i = 0; i < 20; ++i) {
      server.feed(client.take_encrypted());
      client.feed(server.take_encrypted());
    }
  }
};

void expect_no_link(const std::shared_ptr<TlsContext>& client, const std::shared_ptr<TlsContext>& server,
                    const std::string& server_says) {
  CAPTURE(server_says);
  Connection connection{client, server};
  connection.carry();
  CHECK(connection.server.state() == State::failed);
  CHECK(connection.client.state() != State::open);
  CHECK(connection.server.peer_certificates().empty());
  CHECK(connection.client.peer_certificates().empty());
  CHECK_MESSAGE(has(connection.server.fault(), server_says), connection.server.fault());
}

}  // namespace

TEST_CASE("6940-13.4-1: members with the same secret get a link, and each knows whose it is") {
  const Bed bed;
  const auto config = bed.config("our secret");
  Connection connection{bed.context(*bed.anna, config), bed.context(*bed.bert, config)};
  connection.carry();
  REQUIRE_MESSAGE(connection.client.state() == State::open, connection.client.fault());
  REQUIRE_MESSAGE(connection.server.state() == State::open, connection.server.fault());
  CHECK(connection.client.peer_certificates() == Chain{to_bytes(bed.bert->certificate->der.view())});
  CHECK(connection.server.peer_certificates() == Chain{to_bytes(bed.anna->certificate->der.view())});
  connection.client.write(as_bytes("to the server"));
  connection.server.write(as_bytes("to the client"));
  connection.carry();
  CHECK(as_text(connection.server.take_plain()) == "to the server");
  CHECK(as_text(connection.client.take_plain()) == "to the client");
}

TEST_CASE("6940-13.4-1: who does not know the secret gets no link in either role, and the message names the cure") {
  const Bed bed;
  const auto right = bed.context(*bed.anna, bed.config("our secret"));
  const auto wrong = bed.context(*bed.bert, bed.config("another secret"));
  const auto none = bed.context(*bed.bert, bed.config(std::nullopt));
  kit::Fixture elsewhere("other.example");
  auto same_secret = elsewhere.config();
  same_secret.shared_secret = "our secret";
  const auto other_overlay = bed.context(*bed.bert, same_secret);
  const std::string cure = "do both sides have the same configuration document?";
  for (const auto& stranger : {wrong, none, other_overlay}) {
    expect_no_link(stranger, right, cure);
    Connection connection{right, stranger};
    connection.carry();
    CHECK(connection.client.state() == State::failed);
    CHECK(connection.server.state() != State::open);
    CHECK_MESSAGE(has(connection.client.fault(), cure), connection.client.fault());
    CHECK(connection.client.peer_certificates().empty());
  }
}

TEST_CASE("6940-13.2-1: a member that shows the certificate of another one gets no link") {
  const Bed bed;
  const auto config = bed.config("our secret");
  security::Credential thief = *bed.anna;
  thief.key = bed.bert->key;
  Connection connection{bed.context(thief, config), bed.context(*bed.bert, config)};
  connection.carry();
  CHECK(connection.server.state() == State::failed);
  CHECK(connection.server.peer_certificates().empty());
  CHECK_MESSAGE(has(connection.server.fault(), "is not signed for this link"), connection.server.fault());
}

TEST_CASE("6940-13.2-1: a proof holds for one end of one connection only") {
  const Bed bed;
  const Bytes one(io::kExportedSize, 1);
  const Bytes other(io::kExportedSize, 2);
  const auto& crypto = bed.overlay.crypto();
  const auto proof = io::make_link_proof(*bed.anna, one, crypto);
  REQUIRE(proof.has_value());
  CHECK(io::link_proof_size(*proof) == proof->size());
  const auto chain = io::check_link_proof(*proof, one, NodeId::kMinSize, crypto);
  REQUIRE(chain.has_value());
  CHECK(*chain == Chain{to_bytes(bed.anna->certificate->der.view())});
  const auto relayed = io::check_link_proof(*proof, other, NodeId::kMinSize, crypto);
  REQUIRE_FALSE(relayed.has_value());
  CHECK(has(relayed.error().text, "is not signed for this link"));
}

TEST_CASE("6940-13.2-1: who knows the secret and sends back the other side's own proof gets no link") {
  const Bed bed;
  const auto config = bed.config("our secret");
  const auto of_server = bed.context(*bed.anna, config);
  TlsSession server(*of_server, Role::server);
  const auto secret = *io::derive_link_secret(config);
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  REQUIRE(io::use_link_secret(context.get(), *secret));
  const std::unique_ptr<SSL, decltype(&SSL_free)> echo(SSL_new(context.get()), SSL_free);
  BIO* in = BIO_new(BIO_s_mem());
  BIO* out = BIO_new(BIO_s_mem());
  SSL_set_bio(echo.get(), in, out);
  SSL_set_connect_state(echo.get());
  Bytes proof;
  for (int i = 0; i < 10; ++i) {
    Bytes part(65536);
    std::size_t count = 0;
    if (SSL_do_handshake(echo.get()) == 1 && SSL_read_ex(echo.get(), part.data(), part.size(), &count) == 1) {
      part.resize(count);
      append(proof, part);
      REQUIRE(SSL_write_ex(echo.get(), part.data(), part.size(), &count) == 1);
    }
    part.resize(BIO_ctrl_pending(out));
    if (!part.empty()) REQUIRE(BIO_read_ex(out, part.data(), part.size(), &count) == 1);
    server.feed(part);
    const Bytes answer = server.take_encrypted();
    if (!answer.empty()) REQUIRE(BIO_write_ex(in, answer.data(), answer.size(), &count) == 1);
  }
  CHECK(io::link_proof_size(proof) == proof.size());
  CHECK(server.state() == State::failed);
  CHECK(server.peer_certificates().empty());
  CHECK_MESSAGE(has(server.fault(), "is not signed for this link"), server.fault());
}

TEST_CASE("a proof that can't be read is refused") {
  const Bed bed;
  const Bytes exported(io::kExportedSize, 1);
  const auto& crypto = bed.overlay.crypto();
  const auto refused = [&](const Bytes& proof) {
    return !io::check_link_proof(proof, exported, NodeId::kMinSize, crypto).has_value();
  };
  const Bytes proof = *io::make_link_proof(*bed.anna, exported, crypto);
  CHECK_FALSE(refused(proof));
  for (std::size_t size = 0; size < proof.size(); ++size)
    CHECK(refused({proof.begin(), proof.begin() + static_cast<std::ptrdiff_t>(size)}));
  for (std::size_t at = 3; at < proof.size(); at += 7) {
    Bytes changed = proof;
    changed[at] ^= 0x20;
    CHECK(refused(changed));
  }
  CHECK(refused(Bytes(io::kMaxLinkProof + 4, 0)));
  CHECK_FALSE(io::link_proof_size(Bytes{0, 0}));
}

TEST_CASE("keys differ by secret and by overlay, and there is none without a secret") {
  const Bed bed;
  const auto key = [&](const std::string& overlay, const std::string& secret) {
    auto config = bed.config(secret);
    config.instance_name = overlay;
    return (*io::derive_link_secret(config))->key;
  };
  CHECK(key("a.example", "x") == key("a.example", "x"));
  CHECK(key("a.example", "x") != key("b.example", "x"));
  CHECK(key("a.example", "x") != key("a.example", "y"));
  CHECK(*io::derive_link_secret(bed.config(std::nullopt)) == nullptr);
}
