#include "reload/forwarding/opaque_table.hpp"

#include "reload/base/limits.hpp"

namespace reload::forwarding {

namespace {

// 6940 6.3.2.2 suggests this split; the first bit marks the short form.
constexpr std::size_t kSlots = std::size_t{1} << 12;
constexpr std::uint8_t kGenerations = 8;

}  // namespace

std::optional<wire::OpaqueId> OpaqueTable::for_link(LinkId link, Now now) {
  const auto known = by_link_.find(link);
  if (known != by_link_.end()) return id_of(known->second);
  const std::optional<std::uint16_t> slot = take(now);
  if (!slot) return std::nullopt;
  slots_[*slot].meaning = link;
  by_link_.emplace(link, *slot);
  return id_of(*slot);
}

void OpaqueTable::forget_link(LinkId link) {
  const auto known = by_link_.find(link);
  if (known == by_link_.end()) return;
  slots_[known->second].meaning = std::monostate{};
  free_.push_back(known->second);
  by_link_.erase(known);
}

std::optional<wire::OpaqueId> OpaqueTable::for_entries(wire::DestinationList entries, Now now) {
  const std::optional<std::uint16_t> slot = take(now);
  if (!slot) return std::nullopt;
  slots_[*slot].meaning = std::move(entries);
  slots_[*slot].expires = now.mono + limits::kReturnStateTime;
  expiring_.push_back(*slot);
  return id_of(*slot);
}

std::optional<OpaqueTable::Meaning> OpaqueTable::resolve(const wire::OpaqueId& id, Now now) const {
  if (!id.compressed) return std::nullopt;  // we give out the short form only
  const unsigned bits = static_cast<unsigned>(id.bytes[0] << 8 | id.bytes[1]);
  if (bits % kSlots >= slots_.size()) return std::nullopt;
  const Slot& slot = slots_[bits % kSlots];
  if (slot.generation != bits / kSlots % kGenerations) return std::nullopt;
  if (const auto* link = std::get_if<LinkId>(&slot.meaning)) return *link;
  const auto* entries = std::get_if<wire::DestinationList>(&slot.meaning);
  if (entries == nullptr || slot.expires <= now.mono) return std::nullopt;
  return *entries;
}

std::optional<std::uint16_t> OpaqueTable::take(Now now) {
  while (!expiring_.empty() && slots_[expiring_.front()].expires <= now.mono) {
    slots_[expiring_.front()].meaning = std::monostate{};
    free_.push_back(expiring_.front());
    expiring_.pop_front();
  }
  if (slots_.size() < kSlots) {
    // 6940 6.3.2.2: generations begin at random, so that ids from before a restart are stale.
    slots_.push_back({static_cast<std::uint8_t>(rng_.below(kGenerations)), {}, {}});
    return static_cast<std::uint16_t>(slots_.size() - 1);
  }
  if (free_.empty()) return std::nullopt;
  const std::uint16_t slot = free_.front();
  free_.pop_front();
  slots_[slot].generation = static_cast<std::uint8_t>((slots_[slot].generation + 1) % kGenerations);
  return slot;
}

wire::OpaqueId OpaqueTable::id_of(std::uint16_t slot) const {
  const unsigned bits = 0x8000U | slots_[slot].generation * unsigned{kSlots} | slot;
  return {{static_cast<std::uint8_t>(bits >> 8), static_cast<std::uint8_t>(bits)}, true};
}

}  // namespace reload::forwarding
