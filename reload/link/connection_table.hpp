// The Connection Table (6940 6.1, guide 4.1): every established link of this node and the Node-ID at its other end.
// Several links to one node are accepted; the newest that works is used for sending (T52).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "reload/base/ids.hpp"
#include "reload/base/limits.hpp"
#include "reload/base/strong.hpp"
#include "reload/link/datagram_session.hpp"
#include "reload/link/message_budget.hpp"

namespace reload::link {

struct Link {
  LinkId id;
  std::optional<NodeId> node;  // nothing: a certificate with several Node-IDs and no Attach yet (T7)
  bool inbound = false;
  std::optional<ApplicationId> application;  // set: an application's connection, without frames
  std::unique_ptr<Session> session;          // set: an overlay link
  MessageBudget budget;                      // of what it brings to be forwarded
  [[nodiscard]] bool is_overlay() const { return session != nullptr; }
};

struct HealthChange {
  LinkId link;
  std::optional<NodeId> node;
  Health health = Health::good;
};

class ConnectionTable {
 public:
  ConnectionTable(std::size_t max_message_size, Counters& counters)
      : max_message_size_(max_message_size), counters_(counters) {}

  // nullptr (counted as refused) when kMaxLinks or kMaxUnboundLinks is reached. Precondition: `id` is new.
  // `datagrams`: the way of a datagram link; nothing: a stream.
  Link* add_overlay(LinkId id, std::optional<NodeId> node, bool inbound,
                    const std::optional<DatagramPath>& datagrams = std::nullopt);
  Link* add_application(LinkId id, std::optional<NodeId> node, ApplicationId application, bool inbound);
  // Gives an unbound link its Node-ID; false if there is no such link or it is bound to another node.
  bool bind(LinkId id, const NodeId& node);
  // Whether there was such a link.
  bool remove(LinkId id);

  [[nodiscard]] Link* find(LinkId id);
  // The overlay link to send to `node` over: the newest that is good, else the newest; nullptr if none.
  [[nodiscard]] Link* link_to(const NodeId& node);
  [[nodiscard]] bool connected(const NodeId& node) const { return by_node_.contains(node); }
  // A link to the node exists that is not suspect.
  [[nodiscard]] bool working(const NodeId& node);
  [[nodiscard]] std::vector<LinkId> links_to(const NodeId& node) const;  // overlay links, oldest first
  [[nodiscard]] std::vector<NodeId> nodes() const;                       // with an overlay link, in order
  [[nodiscard]] std::size_t size() const { return links_.size(); }
  [[nodiscard]] std::vector<const Link*> all() const;  // by LinkId

  // As those of Session for a link of this table; they keep the table's deadline right. Precondition: an overlay link.
  [[nodiscard]] Received feed(Link& link, const SharedBytes& bytes, Now now);
  // What is to be written at once; nothing: it waits for its turn.
  [[nodiscard]] std::optional<Outgoing> send(Link& link, ByteView head, const SharedBytes& body, Rank rank, Now now);
  // Links that became suspect or dead; the dead are to be closed and removed by the caller.
  [[nodiscard]] std::vector<HealthChange> on_time(Now now);
  // After on_time: what its links have to write.
  [[nodiscard]] std::vector<std::pair<LinkId, Outgoing>> take_outgoing() { return std::exchange(outgoing_, {}); }
  // Not later than the first deadline of any link; may be early after acknowledgements, on_time then does nothing.
  [[nodiscard]] std::optional<Mono> next_deadline() const { return deadline_; }
  void set_max_message_size(std::size_t size);

 private:
  // Sorted by id in one piece of memory, as the deadlines of all are gone through often.
  struct Slot {
    LinkId id;
    Mono due = Mono::max();  // of its session
    std::unique_ptr<Link> link;
  };

  Link* add(Link link);
  [[nodiscard]] std::vector<Slot>::iterator slot_of(LinkId id);  // the first not below `id`
  void note(Slot& slot);
  void keep_earliest(Mono due);

  std::size_t max_message_size_;
  Counters& counters_;
  std::vector<Slot> links_;
  std::map<NodeId, std::vector<LinkId>> by_node_;  // overlay links, oldest first
  std::size_t unbound_ = 0;
  std::vector<std::pair<LinkId, Outgoing>> outgoing_;
  std::optional<Mono> deadline_;
};

}  // namespace reload::link
