// 6940 6.7: messages in pieces. Any node may cut a message for a datagram link; only the destination puts it together.
#pragma once

#include <deque>
#include <map>

#include "reload/forwarding/forwarder.hpp"

namespace reload::forwarding {

// Puts fragments for this node together. Bounded in sets, bytes and time.
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
    Mono expires;
    Deliver first;  // header of the fragment with offset 0, else of any
    bool have_first = false;
    std::optional<std::size_t> end;             // known with the last fragment
    std::map<std::size_t, SharedBytes> pieces;  // by offset; never overlapping
    std::size_t held = 0;
  };
  [[nodiscard]] bool insert(Set& set, std::size_t offset, SharedBytes piece);
  void drop(std::map<Key, Set>::iterator at);
  void expire(Now now);

  std::size_t max_message_size_;
  Counters& counters_;
  std::map<Key, Set> sets_;
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
