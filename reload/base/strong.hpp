// Integer types that do not mix: a KindId is not a LinkId, though both are integers.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace reload {

template <class Tag, class Integer>
struct Strong {
  Integer value{};
  friend constexpr auto operator<=>(const Strong&, const Strong&) = default;
};

using KindId = Strong<struct KindIdTag, std::uint32_t>;                // 6940 7: what is stored
using LinkId = Strong<struct LinkIdTag, std::uint64_t>;                // one established link of this node
using RequestId = Strong<struct RequestIdTag, std::uint64_t>;          // a received request that waits for its answer
using JobId = Strong<struct JobIdTag, std::uint64_t>;                  // a crypto job handed out
using CredentialId = Strong<struct CredentialIdTag, std::uint32_t>;    // one own key and certificate; 0 is the node's
using ApplicationId = Strong<struct ApplicationIdTag, std::uint16_t>;  // 6940 14.5: 5060 is SIP
using ApiId = Strong<struct ApiIdTag, std::uint64_t>;                  // an API call that waits for its result

}  // namespace reload

template <class Tag, class Integer>
struct std::hash<reload::Strong<Tag, Integer>> {
  std::size_t operator()(const reload::Strong<Tag, Integer>& id) const noexcept {
    return std::hash<Integer>{}(id.value);
  }
};
