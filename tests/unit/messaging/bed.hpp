// Messengers with fake crypto and no network: a test takes what one sends and delivers it to another by hand.
#pragma once

#include <doctest/doctest.h>

#include "reload/base/limits.hpp"
#include "reload/base/prng.hpp"
#include "reload/messaging/envelope.hpp"
#include "reload/messaging/headers.hpp"
#include "reload/messaging/messenger.hpp"
#include "reload/security/data_signature.hpp"
#include "reload/security/message_auth.hpp"
#include "sim/fake_crypto.hpp"
#include "tests/kit/fixtures.hpp"

namespace reload::messaging::test {

struct Route final : forwarding::RouteView {
  std::vector<NodeId> implausible;  // responders that are known to be too far from any resource
  std::uint32_t ppb = 250000000;

  bool joined() const override { return true; }
  bool responsible(const ResourceId&) const override { return true; }
  bool responsible(const NodeId&) const override { return false; }
  std::vector<NodeId> next_hops(const ResourceId&, bool) const override { return {}; }
  std::vector<NodeId> next_hops(const NodeId&, bool) const override { return {}; }
  std::vector<NodeId> replica_targets() const override { return {}; }
  bool in_replica_set(const ResourceId&) const override { return true; }
  bool plausible_replica_source(const ResourceId&, const NodeId&) const override { return true; }
  bool plausible_responder(const ResourceId&, const NodeId& signer) const override {
    return std::find(implausible.begin(), implausible.end(), signer) == implausible.end();
  }
  NodeId owner_of(const ResourceId&) const override { return {}; }
  std::uint32_t responsible_ppb() const override { return ppb; }
};

inline const std::string kOverlay = "overlay.example";

inline config::OverlayConfig make_config(const security::Crypto& crypto, std::uint16_t sequence = 7) {
  config::OverlayConfig config;
  config.instance_name = kOverlay;
  config.sequence = sequence;
  config.root_certs = {sim::fake_root_certificate()};
  config.document = to_bytes(as_bytes("<overlay/>"));
  const Bytes digest = crypto.hash(wire::HashAlgorithm::sha1, {as_bytes(kOverlay)});
  for (std::size_t i = digest.size() - 4; i < digest.size(); ++i) {
    config.overlay_hash = config.overlay_hash << 8 | digest[i];
  }
  return config;
}

// What every test has: time, crypto and credentials.
struct Bed {
  sim::FakeCrypto crypto;
  Prng rng{1};
  Now now{Mono(1000s), kit::kTestNow};

  security::CredentialPtr credential(std::uint64_t number) {
    return sim::make_fake_credential(kit::node_number(number), "user" + std::to_string(number) + "@example", kOverlay,
                                     rng);
  }
  void advance(Duration duration) {
    now.mono += duration;
    now.wall += duration;
  }
  wire::Signature sign(const security::CredentialPtr& signer, Bytes input) {
    auto result = security::run(security::SignJob{signer, std::move(input)}, crypto);
    return *std::get<security::SignResult>(result).signature;
  }
};

struct Peer {
  Bed& bed;
  Prng rng;
  security::CredentialPtr credential;
  security::Credentials credentials;
  std::shared_ptr<config::OverlayConfig> config;
  Messenger messenger;
  Counters counters;
  Effects effects;
  Route route;
  std::size_t verifications = 0;

  Peer(Bed& owner, std::uint64_t number, std::uint16_t sequence = 7)
      : bed(owner),
        rng(number),
        credential(owner.credential(number)),
        credentials(credential),
        config(std::make_shared<config::OverlayConfig>(make_config(owner.crypto, sequence))),
        messenger(credentials, trust()) {}

  NodeId id() const { return credential->node_id; }
  security::TrustPtr trust() const { return *security::Trust::make(config, bed.crypto); }
  Context context() { return {bed.now, id(), rng, counters, *config, bed.crypto, route, effects}; }

  template <class F>
  void with(F&& call) {
    Context c = context();
    call(c);
  }
  void take_config(std::uint16_t sequence) {
    config = std::make_shared<config::OverlayConfig>(*config);
    config->sequence = sequence;
    with([&](Context& c) { messenger.set_trust(trust(), c); });
  }

  // Runs the crypto jobs there are, and those that follow from them.
  void settle() {
    for (auto jobs = messenger.take_jobs(); !jobs.empty(); jobs = messenger.take_jobs()) {
      for (auto& [job, work] : jobs) {
        if (std::holds_alternative<security::VerifyJob>(work)) ++verifications;
        with([&, id = job, &w = work](Context& c) { messenger.on_crypto(id, security::run(w, bed.crypto), c); });
      }
    }
  }
  template <class Event>
  std::vector<Event> take() {
    settle();
    std::vector<Event> found;
    for (MessengerEvent& event : messenger.take_events()) {
      if (auto* wanted = std::get_if<Event>(&event)) found.push_back(std::move(*wanted));
    }
    return found;
  }
  template <class Event>
  Event take_one() {
    auto found = take<Event>();
    REQUIRE(found.size() == 1);
    return std::move(found.front());
  }

  void request(SendRequest request) {
    with([&](Context& c) { messenger.send_request(std::move(request), c); });
  }
  void ping(wire::DestinationList to, std::uint64_t token = 1) {
    SendRequest request_;
    request_.token = {Owner::api, token};
    request_.to = std::move(to);
    request_.code = wire::MessageCode::ping_req;
    request_.body = wire::encode(wire::PingReq{});
    request(std::move(request_));
  }
  void answer(RequestId id, Bytes body = {}) {
    with([&](Context& c) { messenger.send_answer({id, std::move(body), {}}, c); });
  }
  void tick() {
    with([&](Context& c) { messenger.on_timer(c); });
  }
  void deliver(wire::ForwardingHeader header, SharedBytes body, const NodeId& previous_hop) {
    with([&](Context& c) {
      messenger.on_delivered(std::move(header), std::move(body), wire::Destination(previous_hop), previous_hop, c);
    });
  }
  void deliver(const Outbound& message, const Peer& from) { deliver(message.header, message.body, from.id()); }
};

// A message as any signer could make it.
struct Crafted {
  wire::ForwardingHeader header;
  wire::MessageContents contents;
  std::vector<security::CertificatePtr> certificates;

  Crafted(const Peer& from, wire::MessageCode code, Bytes body, TransactionId transaction = 77) {
    header = request_header(*from.config, transaction, {kit::node_number(2)}, false);
    contents = {code, std::move(body), {}};
    certificates = {from.credential->certificate};
  }
  SharedBytes body(Bed& bed, const security::CredentialPtr& signer) const {
    Bytes bytes = wire::encode(contents);
    auto signature = bed.sign(signer, security::message_signature_input(header.overlay, header.transaction_id, bytes));
    return SharedBytes(*seal(std::move(bytes), std::move(signature), certificates));
  }
  void send(Peer& from, Peer& to) const { to.deliver(header, body(from.bed, from.credential), from.id()); }
};

inline wire::ParsedBody parsed(const Outbound& message) {
  auto found = wire::parse_body(message.body.view());
  REQUIRE(found);
  return *found;
}
inline wire::ErrorResponse error_of(const Outbound& message) {
  const wire::ParsedBody body = parsed(message);
  REQUIRE(body.code == wire::MessageCode::error);
  auto error = wire::decode<wire::ErrorResponse>(body.body);
  REQUIRE(error);
  return *error;
}

inline wire::StoredData signed_value(Bed& bed, const security::CredentialPtr& signer, const ResourceId& resource,
                                     KindId kind, std::string_view text, bool length_byte = true) {
  wire::StoredData data;
  data.storage_time = 1;
  data.lifetime = 60;
  data.value = wire::DictionaryEntry{to_bytes(as_bytes("key")), {true, to_bytes(as_bytes(text))}};
  data.signature =
      bed.sign(signer, security::data_signature_input(resource, kind, data.storage_time, data.value, length_byte));
  return data;
}

}  // namespace reload::messaging::test
