#include "reload/link/connection_table.hpp"

#include <algorithm>

#include "reload/base/check.hpp"
#include "reload/link/link_session.hpp"

namespace reload::link {

Link* ConnectionTable::add(Link link) {
  const bool unbound = !link.node;
  if (links_.size() >= limits::kMaxLinks || (unbound && unbound_ >= limits::kMaxUnboundLinks)) {
    counters_.add(Counter::links_refused);
    return nullptr;
  }
  const LinkId id = link.id;
  if (unbound) {
    ++unbound_;
  } else if (link.is_overlay()) {
    by_node_[*link.node].push_back(id);
  }
  const auto at = slot_of(id);
  RELOAD_CHECK(at == links_.end() || at->id != id);
  return links_.insert(at, {id, Mono::max(), std::make_unique<Link>(std::move(link))})->link.get();
}

std::vector<ConnectionTable::Slot>::iterator ConnectionTable::slot_of(LinkId id) {
  return std::ranges::lower_bound(links_, id, {}, &Slot::id);
}

Link* ConnectionTable::add_overlay(LinkId id, std::optional<NodeId> node, bool inbound,
                                   const std::optional<DatagramPath>& datagrams) {
  std::unique_ptr<Session> session;
  if (datagrams) {
    session = std::make_unique<DatagramSession>(*datagrams, max_message_size_, counters_);
  } else {
    session = std::make_unique<LinkSession>(max_message_size_, counters_);
  }
  return add({id, node, inbound, std::nullopt, std::move(session)});
}

Link* ConnectionTable::add_application(LinkId id, std::optional<NodeId> node, ApplicationId application, bool inbound) {
  return add({id, node, inbound, application, nullptr});
}

bool ConnectionTable::bind(LinkId id, const NodeId& node) {
  Link* link = find(id);
  if (link == nullptr || (link->node && *link->node != node)) return false;
  if (link->node) return true;
  link->node = node;
  --unbound_;
  if (link->is_overlay()) by_node_[node].push_back(id);
  return true;
}

bool ConnectionTable::remove(LinkId id) {
  const auto at = slot_of(id);
  if (at == links_.end() || at->id != id) return false;
  const Link& link = *at->link;
  if (!link.node) {
    --unbound_;
  } else if (link.is_overlay()) {
    const auto peers = by_node_.find(*link.node);
    std::erase(peers->second, id);
    if (peers->second.empty()) by_node_.erase(peers);
  }
  links_.erase(at);
  return true;
}

Link* ConnectionTable::find(LinkId id) {
  const auto at = slot_of(id);
  return at == links_.end() || at->id != id ? nullptr : at->link.get();
}

Link* ConnectionTable::link_to(const NodeId& node) {
  const auto at = by_node_.find(node);
  if (at == by_node_.end()) return nullptr;
  for (auto id = at->second.rbegin(); id != at->second.rend(); ++id) {
    Link* link = find(*id);
    if (link->session->health() == Health::good) return link;
  }
  return find(at->second.back());
}

bool ConnectionTable::working(const NodeId& node) {
  const Link* link = link_to(node);
  return link != nullptr && link->session->health() == Health::good;
}

std::vector<LinkId> ConnectionTable::links_to(const NodeId& node) const {
  const auto at = by_node_.find(node);
  return at == by_node_.end() ? std::vector<LinkId>{} : at->second;
}

std::vector<NodeId> ConnectionTable::nodes() const {
  std::vector<NodeId> nodes;
  nodes.reserve(by_node_.size());
  for (const auto& [node, links] : by_node_) nodes.push_back(node);
  return nodes;
}

std::vector<const Link*> ConnectionTable::all() const {
  std::vector<const Link*> links;
  links.reserve(links_.size());
  for (const Slot& slot : links_) links.push_back(slot.link.get());
  return links;
}

Received ConnectionTable::feed(Link& link, const SharedBytes& bytes, Now now) {
  RELOAD_CHECK(link.is_overlay());
  Received received = link.session->feed(bytes, now);
  note(*slot_of(link.id));
  return received;
}

std::optional<Outgoing> ConnectionTable::send(Link& link, ByteView head, const SharedBytes& body, Rank rank, Now now) {
  RELOAD_CHECK(link.is_overlay());
  link.session->send(head, body, rank, now);
  note(*slot_of(link.id));
  return link.session->take_outgoing();
}

std::vector<HealthChange> ConnectionTable::on_time(Now now) {
  std::vector<HealthChange> changes;
  if (!deadline_ || now.mono < *deadline_) return changes;
  deadline_.reset();
  for (Slot& slot : links_) {
    if (slot.due > now.mono) {
      keep_earliest(slot.due);
      continue;
    }
    Link& link = *slot.link;
    const Health before = link.session->health();
    const Health after = link.session->on_time(now);
    if (after != before) changes.push_back({link.id, link.node, after});
    if (auto outgoing = link.session->take_outgoing()) outgoing_.emplace_back(link.id, std::move(*outgoing));
    note(slot);
  }
  return changes;
}

void ConnectionTable::note(Slot& slot) {
  slot.due = slot.link->session->next_deadline().value_or(Mono::max());
  keep_earliest(slot.due);
}

void ConnectionTable::keep_earliest(Mono due) {
  if (due != Mono::max() && (!deadline_ || due < *deadline_)) deadline_ = due;
}

void ConnectionTable::set_max_message_size(std::size_t size) {
  max_message_size_ = size;
  for (Slot& slot : links_) {
    if (slot.link->session) slot.link->session->set_max_message_size(size);
  }
}

}  // namespace reload::link
