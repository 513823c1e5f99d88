#include "reload/forwarding/fragments.hpp"

#include <algorithm>

namespace reload::forwarding {

namespace {

constexpr std::size_t kMinPiece = 256;      // 6940 6.7
constexpr std::size_t kRoomForGrowth = 32;  // 6940 6.7: a Via entry of the next hop
constexpr std::size_t kPieceCost = 128;     // what a piece takes beyond its bytes

}  // namespace

std::optional<Deliver> Reassembly::add(Deliver fragment, Now now) {
  counters_.add(Counter::fragments_received);
  expire(now);
  Key key{fragment.header.transaction_id, {}};
  const wire::Destination* origin = nullptr;
  if (!fragment.header.via_list.empty()) {
    origin = &fragment.header.via_list.front();
  } else if (fragment.previous_hop) {
    origin = &*fragment.previous_hop;
  }
  if (origin != nullptr && std::holds_alternative<NodeId>(*origin)) key.origin = std::get<NodeId>(*origin);

  auto at = sets_.find(key);
  if (at == sets_.end()) {
    Set set;
    set.charged_to = fragment.previous_hop.value_or(wire::Destination());
    if (!set_places_.take(set.charged_to)) {
      counters_.add(Counter::fragments_dropped);
      return std::nullopt;
    }
    set.expires = now.mono + limits::kReassemblyTime;
    at = sets_.emplace(key, std::move(set)).first;
  }
  Set& set = at->second;
  const std::size_t offset = fragment.header.fragment_offset();
  if (!fits(set, fragment)) {
    counters_.add(Counter::fragments_dropped);
    if (set.pieces.empty()) remove(at);
    return std::nullopt;
  }
  if (fragment.header.is_last_fragment()) set.end = offset + fragment.body.size();
  if (!insert(set, offset, fragment.body.view())) {
    counters_.add(Counter::fragments_dropped);
    remove(at);
    return std::nullopt;
  }
  // The way back of the first fragment, as long as it has not come that of any.
  if (offset == 0 || !set.header) {
    set.header_size = fragment.header.length - fragment.body.size();
    set.header = std::move(fragment.header);
    set.previous_hop = std::move(fragment.previous_hop);
  }
  if (!set.end || set.held != *set.end) return std::nullopt;
  Deliver whole = join(set);
  remove(at);
  return whole;
}

// Within the limit, and not at odds with where the message is known to end.
bool Reassembly::fits(const Set& set, const Deliver& fragment) const {
  const std::size_t size = fragment.body.size();
  const std::size_t end = fragment.header.fragment_offset() + size;
  if (fragment.header.length < size || fragment.header.length - size + end > max_message_size_) return false;
  if (set.end && end > *set.end) return false;
  if (!fragment.header.is_last_fragment()) return size != 0;
  if (set.end) return end == *set.end;
  return set.pieces.empty() || std::prev(set.pieces.end())->first + std::prev(set.pieces.end())->second.size() <= end;
}

// Takes what is not held yet; retransmissions may have been cut at other places. The bytes are copied, because a
// slice of a small piece would keep all that came with it.
bool Reassembly::insert(Set& set, std::size_t offset, ByteView piece) {
  const std::size_t end = offset + piece.size();
  std::size_t cost = 0;
  auto next = set.pieces.upper_bound(offset);
  if (next != set.pieces.begin()) {
    const auto& [before, bytes] = *std::prev(next);
    offset = std::max(offset, before + bytes.size());
  }
  while (offset < end) {
    const std::size_t gap_end = next == set.pieces.end() ? end : std::min(end, next->first);
    if (offset < gap_end) {
      set.pieces.emplace_hint(next, offset, to_bytes(piece.subspan(piece.size() - (end - offset), gap_end - offset)));
      set.held += gap_end - offset;
      cost += gap_end - offset + kPieceCost;
    }
    if (next == set.pieces.end()) break;
    offset = next->first + next->second.size();
    ++next;
  }
  if (cost > 0 && !byte_places_.take(set.charged_to, cost)) return false;
  set.cost += cost;
  bytes_ += cost;
  return true;
}

Deliver Reassembly::join(Set& set) {
  Bytes body;
  body.reserve(*set.end);
  for (const auto& [offset, bytes] : set.pieces) append(body, bytes);
  wire::ForwardingHeader header = std::move(*set.header);
  header.fragment = wire::ForwardingHeader::kWholeMessage;
  header.length = static_cast<std::uint32_t>(set.header_size + body.size());
  return {std::move(header), SharedBytes(std::move(body)), std::move(set.previous_hop)};
}

void Reassembly::remove(std::map<Key, Set>::iterator at) {
  const Set& set = at->second;
  bytes_ -= set.cost;
  if (set.cost > 0) byte_places_.give_back(set.charged_to, set.cost);
  set_places_.give_back(set.charged_to);
  sets_.erase(at);
}

void Reassembly::expire(Now now) {
  for (auto at = sets_.begin(); at != sets_.end();) {
    const auto set = at++;
    if (set->second.expires > now.mono) continue;
    counters_.add(Counter::fragments_dropped, set->second.pieces.size());
    remove(set);
  }
}

std::vector<Piece> cut(const wire::ForwardingHeader& header, const SharedBytes& body, std::size_t path_mtu) {
  Bytes head = wire::encode_header(header, body.size());
  const std::size_t carried = path_mtu - std::min(path_mtu, wire::kDataFrameHeaderSize);
  const std::size_t budget = carried - std::min(carried, kRoomForGrowth);
  std::vector<Piece> pieces;
  const auto uncut = [&] {
    pieces.push_back({std::move(head), body});
    return std::move(pieces);
  };
  if (head.size() + body.size() <= carried || head.size() + kMinPiece > budget) return uncut();
  const std::size_t room = budget - head.size();
  const std::size_t count = (body.size() + room - 1) / room;
  if (body.size() / count < kMinPiece) return uncut();

  std::size_t offset = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t size = body.size() / count + (i < body.size() % count ? 1 : 0);
    const bool last = i + 1 == count && header.is_last_fragment();
    wire::ForwardingHeader part = header;
    part.fragment = wire::ForwardingHeader::kFragmentAlways | (last ? wire::ForwardingHeader::kFragmentLast : 0) |
                    static_cast<std::uint32_t>(header.fragment_offset() + offset);
    pieces.push_back({wire::encode_header(part, size), body.slice(offset, size)});
    offset += size;
  }
  return pieces;
}

}  // namespace reload::forwarding
