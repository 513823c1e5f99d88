#include "reload/messaging/probe_responder.hpp"

#include <algorithm>

namespace reload::messaging {

namespace {

using wire::ProbeInformationType;

std::optional<std::uint32_t> fact(std::uint8_t type, const ProbeFacts& facts, const forwarding::RouteView& route) {
  switch (static_cast<ProbeInformationType>(type)) {
    case ProbeInformationType::responsible_set:
      return route.responsible_ppb();
    case ProbeInformationType::num_resources:
      return facts.num_resources;
    case ProbeInformationType::uptime:
      return facts.uptime;
    case ProbeInformationType::exp_probe:
      break;
  }
  return std::nullopt;
}

}  // namespace

Bytes ping_answer(const Now& now, Rng& rng) {
  return wire::encode(wire::PingAns{.response_id = rng.next(), .time = to_wire_ms(now.wall)});
}

std::optional<Bytes> probe_answer(ByteView request, const ProbeFacts& facts, const forwarding::RouteView& route) {
  const std::optional<wire::ProbeReq> probe = wire::decode<wire::ProbeReq>(request);
  if (!probe) return std::nullopt;
  wire::ProbeAns answer;
  for (auto it = probe->requested_info.begin(); it != probe->requested_info.end(); ++it) {
    if (std::find(probe->requested_info.begin(), it, *it) != it) continue;  // asked twice, told once
    const std::optional<std::uint32_t> value = fact(*it, facts, route);
    if (value) answer.probe_info.push_back(make_probe_information(static_cast<ProbeInformationType>(*it), *value));
  }
  return wire::encode(answer);
}

}  // namespace reload::messaging
