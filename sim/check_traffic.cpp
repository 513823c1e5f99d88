#include "sim/check_traffic.hpp"

#include "reload/wire/codec.hpp"
#include "reload/wire/frame.hpp"
#include "reload/wire/reader.hpp"

namespace reload::sim {

namespace {

// 6940 6.2.1: the life of a request is 15 s; an answer may come that much and its own way later, which is long where
// each message waits for the acknowledgement of the one before.
constexpr Duration kRemembered = 120s;

}  // namespace

TrafficCheck::TrafficCheck(World& world, unsigned hop_budget, bool datagrams)
    : world_(world), hop_budget_(hop_budget), datagrams_(datagrams) {
  world.watch(*this);
}

Tally TrafficCheck::total() const {
  Tally sum = acks_;
  for (const auto& [code, tally] : by_code_) {
    sum.messages += tally.messages;
    sum.bytes += tally.bytes;
  }
  return sum;
}

void TrafficCheck::on_send(Mono now, std::size_t from, std::size_t to, ByteView head, ByteView body, bool) {
  if (head.empty()) return;  // an application's bytes
  if (head[0] != static_cast<std::uint8_t>(wire::FrameType::data)) {
    acks_.messages += head.size() / wire::kAckFrameSize;
    acks_.bytes += head.size();
    return;
  }
  // The fields that stand at fixed places of the forwarding header (6940 6.3.2), then the message code.
  wire::Reader reader(head.subspan(wire::kDataFrameHeaderSize));
  reader.u32();  // relo_token
  reader.u32();  // overlay
  reader.u16();  // configuration_sequence
  reader.u8();   // version
  const unsigned ttl = reader.u8();
  const std::uint32_t fragment = reader.u32();
  reader.u32();  // length
  const TransactionId id = reader.u64();
  if ((fragment & wire::ForwardingHeader::kOffsetMask) != 0 || body.size() < 2) return;
  const auto code = static_cast<wire::MessageCode>(body[0] << 8 | body[1]);
  Tally& tally = by_code_[code];
  ++tally.messages;
  tally.bytes += head.size() + body.size();
  if (wire::is_request(code))
    on_request(now, from, to, id, code, world_.config().initial_ttl + 1u - ttl);
  else
    on_answer(now, from, id);
}

void TrafficCheck::on_request(Mono now, std::size_t from, std::size_t to, TransactionId id, wire::MessageCode code,
                              unsigned hops) {
  forget_old(now);
  const auto [at, is_new] = requests_.try_emplace(id);
  Request& request = at->second;
  if (is_new) {
    request.code = code;
    request.origin = from;
    order_.emplace_back(now, id);
  }
  if (from == request.origin && hops == 1 && ++request.sent > limits::kRequestTries && !datagrams_)
    fault(now, std::string(wire::name_of(code)) + " sent more than " + std::to_string(limits::kRequestTries) +
                   " times by its sender");
  request.hops = hops;
  request.to = to;
  most_hops_ = std::max(most_hops_, hops);
  if (hops == hop_budget_ + 1) ++wandered_;
  if (hops > world_.config().initial_ttl + 1u)
    fault(now, std::string(wire::name_of(code)) + " made " + std::to_string(hops) + " hops");
}

void TrafficCheck::on_answer(Mono now, std::size_t from, TransactionId id) {
  const auto found = requests_.find(id);
  if (found == requests_.end())
    return fault(now, "an answer of node " + std::to_string(from) + " to a request that nobody sent");
  Request& request = found->second;
  if (std::exchange(request.answered, true)) return;  // on its way back, or to a request that was sent again
  if (request.to != from) return;                     // from a hop: an error, or the request went on meanwhile
  if (request.code != wire::MessageCode::fetch_req) return;
  if (fetch_hops_.size() <= request.hops) fetch_hops_.resize(request.hops + 1);
  ++fetch_hops_[request.hops];
}

void TrafficCheck::forget_old(Mono now) {
  while (!order_.empty() && now - order_.front().first > kRemembered) {
    requests_.erase(order_.front().second);
    order_.pop_front();
  }
}

void TrafficCheck::fault(Mono now, std::string what) {
  if (faults_++ == 0) first_ = in_seconds(now.time_since_epoch()) + ": " + what;
}

}  // namespace reload::sim
