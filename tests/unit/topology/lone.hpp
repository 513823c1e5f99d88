// One topology plug-in and a test that plays the rest of the overlay: ring positions are small numbers times 2^120, so
// that point(0x40) is a quarter around.
#pragma once

#include "reload/base/check.hpp"
#include "tests/unit/topology/ring_bed.hpp"

namespace reload::topology::test {

[[nodiscard]] inline ring::Point point(unsigned position) { return ring::Point{position} << 120; }
[[nodiscard]] inline NodeId node(unsigned position) { return ring::to_node(point(position)); }
[[nodiscard]] inline ResourceId resource(unsigned position) { return ring::to_resource(point(position)); }

class Lone {
 public:
  explicit Lone(unsigned position, bool client = false)
      : self(node(position)), topology(client ? make_client(self) : make_chord(self)) {}

  [[nodiscard]] messaging::Context context() {
    return {{now, Wall(now.time_since_epoch())}, self, rng, counters, config, crypto, *topology, effects};
  }
  void start_first() {
    call([&](auto& on) { topology->start_first(on); });
  }
  void start_join(unsigned bootstrap) {
    link(bootstrap);
    call([&](auto& on) { topology->start_join(node(bootstrap), on); });
  }
  void link(unsigned other) {
    call([&](auto& on) { topology->on_link_up(node(other), on); });
  }
  void unlink(unsigned other) {
    call([&](auto& on) { topology->on_link_down(node(other), on); });
  }
  void suspect(unsigned other, bool is_suspect = true) {
    call([&](auto& on) { topology->on_link_suspect(node(other), is_suspect, on); });
  }
  void attached(std::uint64_t number, unsigned other) {
    link(other);
    call([&](auto& on) { topology->on_attach_done(number, node(other), on); });
  }
  void not_attached(std::uint64_t number) {
    call([&](auto& on) { topology->on_attach_done(number, failure("no answer"), on); });
  }
  void wanted(unsigned other) {
    call([&](auto& on) { topology->on_update_wanted(node(other), on); });
  }
  void handed_over(unsigned other) {
    call([&](auto& on) { topology->on_handed_over(node(other), on); });
  }
  void check_partition(unsigned bootstrap) {
    link(bootstrap);
    call([&](auto& on) { topology->on_partition_check(node(bootstrap), on); });
  }

  RequestId request(wire::MessageCode code, const Bytes& body, const NodeId& signer, const NodeId& link_node) {
    messaging::Request request;
    request.id = RequestId{++last_request};
    request.code = code;
    request.body = body;
    request.signer = {certificate, signer};
    request.link_node = link_node;
    request.destination = self;
    call([&](auto& on) { topology->on_request(request, on); });
    return request.id;
  }
  void update(unsigned from, const std::vector<unsigned>& predecessors, const std::vector<unsigned>& successors,
              wire::ChordUpdateType type = wire::ChordUpdateType::neighbors) {
    wire::UpdateReq update;
    update.type = type;
    for (unsigned position : predecessors) update.predecessors.push_back(node(position));
    for (unsigned position : successors) update.successors.push_back(node(position));
    request(wire::MessageCode::update_req, wire::encode(update), node(from), node(from));
  }
  // A linked peer that sent an Update.
  void peer(unsigned position) {
    link(position);
    update(position, {}, {}, wire::ChordUpdateType::peer_ready);
  }
  RequestId join(unsigned who, unsigned signer, unsigned over) {
    return request(wire::MessageCode::join_req, wire::encode(wire::JoinReq{node(who), {}}), node(signer), node(over));
  }
  void answer(const messaging::SendRequest& sent, unsigned signer, Bytes body = {}) {
    messaging::Answer answer;
    answer.body = body;
    answer.signer = {certificate, node(signer)};
    call([&](auto& on) { topology->on_answer(sent.token, answer, on); });
  }
  void time_out(const messaging::SendRequest& sent) {
    messaging::Answer answer;
    answer.status = messaging::AnswerStatus::timed_out;
    call([&](auto& on) { topology->on_answer(sent.token, answer, on); });
  }
  void fail(const messaging::SendRequest& sent, wire::ErrorCode code, unsigned signer) {
    messaging::Answer answer;
    answer.status = messaging::AnswerStatus::error;
    answer.error = code;
    answer.signer = {certificate, node(signer)};
    call([&](auto& on) { topology->on_answer(sent.token, answer, on); });
  }
  void pass(Duration time) {
    const Mono end = now + time;
    for (int ticks = 0; topology->next_deadline() && *topology->next_deadline() <= end; ++ticks) {
      RELOAD_CHECK(ticks < 100'000);
      now = std::max(now, *topology->next_deadline());
      call([&](auto& on) { topology->on_timer(on); });
    }
    now = end;
  }

  // The effects of one kind so far; all others are forgotten with the next clear.
  template <class T>
  [[nodiscard]] std::vector<T> all() const {
    std::vector<T> found;
    for (const messaging::Effect& effect : effects) {
      if (const T* match = std::get_if<T>(&effect)) found.push_back(*match);
    }
    return found;
  }
  [[nodiscard]] std::vector<messaging::SendRequest> sent(wire::MessageCode code) const {
    std::vector<messaging::SendRequest> found = all<messaging::SendRequest>();
    std::erase_if(found, [&](const messaging::SendRequest& request) { return request.code != code; });
    return found;
  }
  // The Updates that went to a node.
  [[nodiscard]] std::vector<wire::UpdateReq> updates_to(unsigned other) const {
    std::vector<wire::UpdateReq> found;
    for (const messaging::SendRequest& request : sent(wire::MessageCode::update_req)) {
      if (request.first_hop == node(other)) found.push_back(*wire::decode<wire::UpdateReq>(request.body));
    }
    return found;
  }
  [[nodiscard]] std::optional<messaging::WantLink> want(const wire::DestinationList& to) const {
    for (const messaging::WantLink& want : all<messaging::WantLink>()) {
      if (want.to == to) return want;
    }
    return std::nullopt;
  }
  [[nodiscard]] std::optional<wire::ErrorCode> error_for(RequestId id) const {
    for (const messaging::SendError& error : all<messaging::SendError>()) {
      if (error.request == id) return error.code;
    }
    return std::nullopt;
  }
  [[nodiscard]] bool answered(RequestId id) const {
    for (const messaging::SendAnswer& answer : all<messaging::SendAnswer>()) {
      if (answer.request == id) return true;
    }
    return false;
  }
  // Forgets the effects so far, all Updates answered.
  void clear() {
    for (auto out = sent(wire::MessageCode::update_req); !out.empty(); out = sent(wire::MessageCode::update_req)) {
      effects.clear();
      for (const messaging::SendRequest& request : out) {
        messaging::Answer answer;
        answer.signer = {certificate, *request.first_hop};
        call([&](auto& on) { topology->on_answer(request.token, answer, on); });
      }
    }
    effects.clear();
  }

  NodeId self;
  config::OverlayConfig config;
  Counters counters;
  Prng rng{42};
  NoCrypto crypto;
  messaging::Effects effects;
  Mono now{1h};
  std::unique_ptr<Topology> topology;
  security::CertificatePtr certificate = std::make_shared<security::Certificate>();
  std::uint64_t last_request = 0;

 private:
  template <class F>
  void call(F what) {
    messaging::Context on = context();
    what(on);
  }
};

}  // namespace reload::topology::test
