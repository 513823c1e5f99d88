// The bodies of Ping and Probe answers (6940 6.4.2.5, 6.5.3).
#pragma once

#include "reload/messaging/messenger.hpp"

namespace reload::messaging {

[[nodiscard]] Bytes ping_answer(const Now& now, Rng& rng);
// What was asked for and is known, in the order asked. Nothing when the request is malformed.
[[nodiscard]] std::optional<Bytes> probe_answer(ByteView request, const ProbeFacts& facts,
                                                const forwarding::RouteView& route);

}  // namespace reload::messaging
