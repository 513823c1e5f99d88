// Own opaque ids (6940 6.1.2, 6.3.2.2): two bytes, 1 | generation (3) | slot (12). A slot stands for a link whose
// Node-ID is not known (T7), or for a whole Via List that was replaced. The generation moves on whenever a slot is
// taken, so an id that outlived its meaning is recognised.
#pragma once

#include <deque>
#include <map>
#include <variant>
#include <vector>

#include "reload/base/rng.hpp"
#include "reload/base/strong.hpp"
#include "reload/base/time.hpp"
#include "reload/wire/destination.hpp"

namespace reload::forwarding {

class OpaqueTable {
 public:
  // What an id stands for: a link, or Destination List entries in response order.
  using Meaning = std::variant<LinkId, wire::DestinationList>;

  // `rng` is kept.
  explicit OpaqueTable(Rng& rng) : rng_(rng) {}

  // The id of a link, the same until the link is forgotten. Nothing when every slot is in use.
  [[nodiscard]] std::optional<wire::OpaqueId> for_link(LinkId link, Now now);
  void forget_link(LinkId link);
  // An id for `entries`, valid for limits::kReturnStateTime. Nothing when every slot is in use.
  [[nodiscard]] std::optional<wire::OpaqueId> for_entries(wire::DestinationList entries, Now now);

  // Nothing for an id that is not ours or stale.
  [[nodiscard]] std::optional<Meaning> resolve(const wire::OpaqueId& id, Now now) const;

 private:
  struct Slot {
    std::uint8_t generation = 0;
    std::variant<std::monostate, LinkId, wire::DestinationList> meaning;
    Mono expires{};  // of Destination List entries
  };
  [[nodiscard]] std::optional<std::uint16_t> take(Now now);
  [[nodiscard]] wire::OpaqueId id_of(std::uint16_t slot) const;

  Rng& rng_;
  std::vector<Slot> slots_;             // those taken so far: most nodes need few
  std::deque<std::uint16_t> free_;      // of these, longest free first, so that generations last as long as they can
  std::deque<std::uint16_t> expiring_;  // slots with entries, first to expire first
  std::map<LinkId, std::uint16_t> by_link_;
};

}  // namespace reload::forwarding
