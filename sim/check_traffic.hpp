// Watches every message: counts and bytes by kind, hops of requests, and what no node may do: answer what was not
// asked, send a request more often than the RFC allows, or pass a message on beyond its TTL.
#pragma once

#include <array>
#include <deque>
#include <unordered_map>

#include "sim/world.hpp"

namespace reload::sim {

struct Tally {
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;  // with the frame's header; what TLS, TCP and IP add is not there
};

class TrafficCheck final : public Observer {
 public:
  // `hop_budget`: a request that makes more hops has wandered.
  // `datagrams`: links send again what was lost, which is no repetition of a request.
  TrafficCheck(World& world, unsigned hop_budget, bool datagrams);
  void on_send(Mono now, std::size_t from, std::size_t to, ByteView head, ByteView body, bool lost) override;

  [[nodiscard]] const std::map<wire::MessageCode, Tally>& by_code() const { return by_code_; }
  [[nodiscard]] const Tally& acks() const { return acks_; }
  [[nodiscard]] Tally total() const;
  // What requests for resources needed, from their sender to the peer that answered: how many made so many hops.
  [[nodiscard]] const std::vector<std::uint64_t>& fetch_hops() const { return fetch_hops_; }
  void forget_hops() { fetch_hops_.clear(); }

  [[nodiscard]] std::uint64_t faults() const { return faults_; }
  [[nodiscard]] const std::string& first_fault() const { return first_; }
  [[nodiscard]] unsigned most_hops() const { return most_hops_; }
  // Requests over the hop budget, as they are where the ring is torn or many join at once; the TTL ends them.
  [[nodiscard]] std::uint64_t wandered() const { return wandered_; }

 private:
  struct Request {
    wire::MessageCode code = wire::MessageCode::invalid;
    std::size_t origin = 0;
    std::size_t to = 0;  // whom it was sent to last
    unsigned sent = 0;   // by its origin
    unsigned hops = 0;
    bool answered = false;
  };
  void on_request(Mono now, std::size_t from, std::size_t to, TransactionId id, wire::MessageCode code, unsigned hops);
  void on_answer(Mono now, std::size_t from, TransactionId id);
  void forget_old(Mono now);
  void fault(Mono now, std::string what);

  const World& world_;
  unsigned hop_budget_;
  bool datagrams_;
  std::map<wire::MessageCode, Tally> by_code_;
  Tally acks_;
  std::unordered_map<TransactionId, Request> requests_;  // never iterated
  std::deque<std::pair<Mono, TransactionId>> order_;
  std::vector<std::uint64_t> fetch_hops_;
  std::uint64_t faults_ = 0;
  std::string first_;
  unsigned most_hops_ = 0;
  std::uint64_t wandered_ = 0;
};

}  // namespace reload::sim
