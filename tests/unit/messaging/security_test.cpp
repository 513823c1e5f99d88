// Which messages are believed, and what a message brings along to be believed.
#include "tests/unit/messaging/bed.hpp"

using namespace reload;
using namespace reload::messaging;
using namespace reload::messaging::test;

namespace {

struct Pair : Bed {
  Peer a{*this, 1};
  Peer b{*this, 2};

  Crafted ping(TransactionId transaction = 77) {
    return {a, wire::MessageCode::ping_req, wire::encode(wire::PingReq{}), transaction};
  }
  bool verifies(const Outbound& message, const security::CredentialPtr& signer) {
    const wire::ParsedBody body = parsed(message);
    const auto check = security::message_check(message.header.overlay, message.header.transaction_id,
                                               body.contents_bytes, body.security.signature);
    return crypto.verify(*signer->certificate->key, check.signature.hash, check.signature.algorithm, check.input,
                         check.signature.value);
  }
  std::vector<Bytes> bucket(const Outbound& message) {
    std::vector<Bytes> found;
    for (const auto& certificate : parsed(message).security.certificates) found.push_back(certificate.certificate);
    return found;
  }
  bool accepts(const Crafted& message, const security::CredentialPtr& signer) {
    b.deliver(message.header, message.body(*this, signer), a.id());
    b.settle();
    return !b.messenger.take_events().empty();
  }
};

Bytes der(const security::CredentialPtr& credential) { return to_bytes(credential->certificate->der.view()); }

}  // namespace

TEST_CASE_FIXTURE(Pair,
                  "6940-6.3-3, 6940-6.3.4-19, 6940-13.2-2: requests, answers and errors are signed by their maker") {
  a.ping({b.id()});
  const Outbound request = a.take_one<Outbound>();
  CHECK(verifies(request, a.credential));
  b.deliver(request, a);
  CHECK(verifies(b.take_one<Outbound>(), b.credential));

  Crafted(a, wire::MessageCode::probe_req, Bytes{9}).send(a, b);
  const Outbound error = b.take_one<Outbound>();
  CHECK(error_of(error).code == wire::ErrorCode::invalid_message);
  CHECK(verifies(error, b.credential));

  b.with([&](Context& c) {
    b.messenger.send_hop_error(request.header, wire::Destination(a.id()), wire::ErrorCode::ttl_exceeded, {}, c);
  });
  CHECK(verifies(b.take_one<Outbound>(), b.credential));
}

TEST_CASE_FIXTURE(Pair, "6940-6.3.4-21, 6940-6.3.4-22, 6940-6.3.4-23: a message that does not verify is dropped") {
  const Crafted right = ping();
  SUBCASE("unchanged it is accepted") { CHECK(accepts(right, a.credential)); }
  SUBCASE("a changed body") {
    Bytes changed = to_bytes(right.body(*this, a.credential).view());
    changed[1] = static_cast<std::uint8_t>(wire::MessageCode::join_req);
    b.deliver(right.header, SharedBytes(changed), a.id());
    b.settle();
    CHECK(b.messenger.take_events().empty());
    CHECK(b.counters.get(Counter::signatures_bad) == 1);
  }
  SUBCASE("another transaction id") {
    wire::ForwardingHeader header = right.header;
    ++header.transaction_id;
    b.deliver(header, right.body(*this, a.credential), a.id());
    b.settle();
    CHECK(b.messenger.take_events().empty());
  }
  SUBCASE("another overlay") {
    wire::ForwardingHeader header = right.header;
    ++header.overlay;
    b.deliver(header, right.body(*this, a.credential), a.id());
    b.settle();
    CHECK(b.messenger.take_events().empty());
  }
  SUBCASE("a certificate of another node") {
    Crafted wrong = right;
    wrong.certificates = {b.credential->certificate};
    CHECK_FALSE(accepts(wrong, a.credential));
    CHECK(b.counters.get(Counter::signers_unknown) == 1);
  }
  SUBCASE("no certificate") {
    Crafted bare = right;
    bare.certificates = {};
    CHECK_FALSE(accepts(bare, a.credential));
  }
  SUBCASE("an expired certificate") {
    const auto old =
        sim::make_fake_credential({kit::node_number(1)}, "a@example", kOverlay, kit::kValidFrom, now.wall - 1s, rng);
    Crafted late = right;
    late.certificates = {old->certificate};
    CHECK_FALSE(accepts(late, old));
    CHECK(b.counters.get(Counter::certificates_refused) == 1);
  }
  SUBCASE("a certificate of another overlay") {
    const auto stranger = sim::make_fake_credential(kit::node_number(1), "a@example", "other.example", rng);
    Crafted foreign = right;
    foreign.certificates = {stranger->certificate};
    CHECK_FALSE(accepts(foreign, stranger));
  }
  SUBCASE("a node that the configuration bans") {
    b.config->bad_nodes = {a.id()};
    b.take_config(7);
    CHECK_FALSE(accepts(right, a.credential));
  }
}

TEST_CASE_FIXTURE(Pair, "6940-6.1.1-3: a message for a resource is verified before anything is done") {
  Crafted forged = ping();
  forged.header.destination_list = {ResourceId(b.id().view())};
  const auto thief = sim::make_fake_credential(kit::node_number(66), "thief@example", kOverlay, rng);
  CHECK_FALSE(accepts(forged, thief));
  CHECK(accepts(forged, a.credential));
}

TEST_CASE_FIXTURE(Pair,
                  "every cut and every changed byte of a request is survived, and none is answered as another's") {
  const Crafted right = ping();
  const SharedBytes whole = right.body(*this, a.credential);
  for (std::size_t size = 0; size < whole.size(); ++size) b.deliver(right.header, whole.slice(0, size), a.id());
  CHECK(b.counters.get(Counter::contents_malformed) == whole.size());
  for (std::size_t at = 0; at < whole.size(); ++at) {
    Bytes changed = to_bytes(whole.view());
    changed[at] ^= 0x11;
    b.deliver(right.header, SharedBytes(std::move(changed)), a.id());
    b.settle();
    for (const MessengerEvent& event : b.messenger.take_events()) {
      // A change that the signature does not cover, as in a certificate's length of padding, may leave it right.
      const auto* answer = std::get_if<Outbound>(&event);
      REQUIRE(answer != nullptr);
      CHECK(parsed(*answer).code == wire::MessageCode::ping_ans);
    }
  }
}

TEST_CASE_FIXTURE(Pair,
                  "6940-6.3.4-3, 6940-6.3.4-5: a message brings all certificates it needs, each once, but no root") {
  const auto user = credential(50);
  auto with_intermediate = std::make_shared<security::Credential>(*credential(1));
  const auto intermediate = credential(60)->certificate;
  const auto root = *crypto.parse_certificate(sim::fake_root_certificate(), 16);
  with_intermediate->intermediates = {intermediate, root};
  const security::Credentials credentials(with_intermediate);
  Messenger messenger(credentials, a.trust());

  SendRequest store;
  store.to = {b.id()};
  store.code = wire::MessageCode::store_req;
  store.certificates = {user->certificate, user->certificate, with_intermediate->certificate};
  a.with([&](Context& c) {
    messenger.send_request(store, c);
    for (auto& [job, work] : messenger.take_jobs()) messenger.on_crypto(job, security::run(work, crypto), c);
  });
  const auto events = messenger.take_events();
  REQUIRE(events.size() == 1);
  CHECK(bucket(std::get<Outbound>(events[0])) ==
        std::vector{der(with_intermediate), to_bytes(intermediate->der.view()), der(user)});

  Crafted(a, wire::MessageCode::fetch_req, {}).send(a, b);
  b.with([&, id = b.take_one<RequestReady>().request.id](Context& c) {
    b.messenger.send_answer({id, {}, {user->certificate}}, c);
  });
  CHECK(bucket(b.take_one<Outbound>()) == std::vector{der(b.credential), der(user)});
}

TEST_CASE_FIXTURE(Pair, "6940-6.3.4-4: a certificate that was seen before may be left out, until the trust changes") {
  CHECK(accepts(ping(1), a.credential));
  Crafted bare = ping(2);
  bare.certificates = {};
  CHECK(accepts(bare, a.credential));
  b.take_config(7);
  bare.header.transaction_id = 3;
  CHECK_FALSE(accepts(bare, a.credential));
}

TEST_CASE_FIXTURE(Pair, "a signer that was accepted before is not parsed again") {
  CHECK(accepts(ping(1), a.credential));
  const Crafted second = ping(2);
  b.deliver(second.header, second.body(*this, a.credential), a.id());
  const auto jobs = b.messenger.take_jobs();
  REQUIRE(jobs.size() == 1);
  const auto& job = std::get<security::VerifyJob>(jobs[0].second);
  CHECK(job.fresh.empty());
  CHECK(job.known.size() == 1);
}

TEST_CASE_FIXTURE(Pair, "a verdict under an old configuration does not let a banned node in") {
  const Crafted request = ping();
  request.send(a, b);
  auto jobs = b.messenger.take_jobs();
  REQUIRE(jobs.size() == 1);
  security::CryptoResult verdict = security::run(jobs[0].second, crypto);
  b.config = std::make_shared<config::OverlayConfig>(*b.config);
  b.config->bad_nodes = {a.id()};
  b.take_config(7);
  b.with([&](Context& c) { b.messenger.on_crypto(jobs[0].first, std::move(verdict), c); });
  b.settle();
  CHECK(b.messenger.take_events().empty());
  CHECK(b.counters.get(Counter::certificates_refused) == 1);
}

TEST_CASE_FIXTURE(Pair, "a link that floods gets half of the checks, and every message of another link gets its own") {
  const Crafted request = ping();
  const SharedBytes body = request.body(*this, a.credential);
  wire::ForwardingHeader header = request.header;
  for (TransactionId i = 0; i < limits::kMaxCryptoJobs; ++i) {
    header.transaction_id = 1000 + i;
    b.deliver(header, body, a.id());
  }
  CHECK(b.counters.get(Counter::messages_shed) == limits::kMaxCryptoJobs / 2);
  // Two floods leave a third each, and a third free.
  for (TransactionId i = 0; i < limits::kMaxCryptoJobs; ++i) {
    header.transaction_id = 100000 + i;
    b.deliver(header, body, kit::node_number(66));
  }
  CHECK(b.messenger.take_jobs().size() < limits::kMaxCryptoJobs * 4 / 5);
  const std::uint64_t shed = b.counters.get(Counter::messages_shed);
  for (TransactionId i = 0; i < 1000; ++i) {
    header.transaction_id = 200000 + i;
    b.deliver(header, body, kit::node_number(7));
  }
  CHECK(b.counters.get(Counter::messages_shed) == shed);
  CHECK(b.messenger.take_jobs().size() == 1000);
}

TEST_CASE_FIXTURE(Pair, "what was checked frees its place") {
  const Crafted request = ping();
  const SharedBytes body = request.body(*this, a.credential);
  wire::ForwardingHeader header = request.header;
  for (int round = 0; round < 3; ++round) {
    for (TransactionId i = 0; i < limits::kMaxCryptoJobs / 2; ++i) {
      ++header.transaction_id;
      b.deliver(header, body, a.id());
    }
    b.settle();
  }
  CHECK(b.counters.get(Counter::messages_shed) == 0);
}

TEST_CASE_FIXTURE(Pair, "a link whose messages all end in errors on the way gets half of them signed") {
  wire::ForwardingHeader header = ping().header;
  const auto refuse = [&](std::uint64_t link) {
    ++header.transaction_id;
    b.with([&](Context& c) {
      b.messenger.send_hop_error(header, wire::Destination(kit::node_number(link)), wire::ErrorCode::ttl_exceeded, {},
                                 c);
    });
  };
  for (std::size_t i = 0; i < limits::kMaxCryptoJobs; ++i) refuse(66);
  CHECK(b.counters.get(Counter::messages_shed) == limits::kMaxCryptoJobs / 2);
  refuse(7);
  CHECK(b.counters.get(Counter::messages_shed) == limits::kMaxCryptoJobs / 2);
  b.settle();
  refuse(66);
  CHECK(b.counters.get(Counter::messages_shed) == limits::kMaxCryptoJobs / 2);
}

TEST_CASE_FIXTURE(Pair, "a certificate that is too large is not looked at") {
  Crafted heavy = ping();
  auto large = std::make_shared<security::Certificate>(*a.credential->certificate);
  large->der = SharedBytes(Bytes(limits::kMaxCertificateBytes + 1));
  heavy.certificates.push_back(large);
  CHECK(accepts(heavy, a.credential));
  CHECK(b.counters.get(Counter::certificates_refused) == 1);
}

TEST_CASE_FIXTURE(Pair, "an answer that needs more certificates than a message holds is an error instead") {
  Crafted(a, wire::MessageCode::fetch_req, {}).send(a, b);
  std::vector<security::CertificatePtr> many;
  for (std::uint64_t i = 0; i < limits::kMaxCertificatesInMessage; ++i)
    many.push_back(credential(100 + i)->certificate);
  b.config->max_message_size = 1000000;
  b.with([&, id = b.take_one<RequestReady>().request.id](Context& c) { b.messenger.send_answer({id, {}, many}, c); });
  CHECK(error_of(b.take_one<Outbound>()).code == wire::ErrorCode::response_too_large);
}
