// 6940 6.7: messages in pieces. Any node may cut a message for a datagram link; only the destination puts it together.
#pragma once

#include <map>

#include "reload/base/fair_share.hpp"
#include "reload/forwarding/forwarder.hpp"

namespace reload::forwarding {

// Puts fragments for this node together. Bounded in sets, bytes and time, and each link in its share of them.
class Reassembly {
 public:
  Reassembly(std::size_t max_message_size, Counters& counters)
      : max_message_size_(max_message_size), counters_(counters) {}

  // The whole message once its last missing byte has come; nothing before, and for what is dropped (counted).
  // The header is that of the first fragment, with the fragment field and length of the whole message.
  // Precondition: not fragment.header.is_whole().
  [[nodiscard]] std::optional<Deliver> add(Deliver fragment, Now now);

  [[nodiscard]] std::size_t sets() const { return sets_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  void set_max_message_size(std::size_t size) { max_message_size_ = size; }

 private:
  // T49: a request and its response share the transaction id, but not the node that sent them first.
  struct Key {
    TransactionId transaction = 0;
    NodeId origin;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  struct Set {
    Mono expires{};
    std::optional<wire::ForwardingHeader> header;
    std::size_t header_size = 0;
    std::optional<wire::Destination> previous_hop;
    std::optional<std::size_t> end;       // known with the last fragment
    std::map<std::size_t, Bytes> pieces;  // by offset, none overlapping another
    std::size_t held = 0;                 // bytes in pieces
    wire::Destination charged_to;         // the link of the first piece that came
    std::size_t cost = 0;                 // what the set takes of that link's share of bytes
  };
  [[nodiscard]] bool fits(const Set& set, const Deliver& fragment) const;
  // False when the link has its share of bytes already.
  [[nodiscard]] bool insert(Set& set, std::size_t offset, ByteView piece);
  [[nodiscard]] Deliver join(Set& set);
  void remove(std::map<Key, Set>::iterator at);
  void expire(Now now);

  std::size_t max_message_size_;
  Counters& counters_;
  std::map<Key, Set> sets_;
  FairShare<wire::Destination> set_places_{limits::kMaxFragmentSets};
  FairShare<wire::Destination> byte_places_{limits::kMaxFragmentBytes};
  std::size_t bytes_ = 0;
};

struct Piece {
  Bytes head;
  SharedBytes body;
};
// Cuts a message, or a fragment, for a datagram link whose path has room for `path_mtu` bytes of application data. One
// piece, uncut, when it fits or cannot be cut into pieces of 256 bytes and more (T48).
[[nodiscard]] std::vector<Piece> cut(const wire::ForwardingHeader& header, const SharedBytes& body,
                                     std::size_t path_mtu);

}  // namespace reload::forwarding
