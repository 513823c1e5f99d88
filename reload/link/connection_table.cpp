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
  const auto [at, is_new] = links_.emplace(id, std::move(link));
  RELOAD_CHECK(is_new);
  return &at->second;
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
  const auto at = links_.find(id);
  if (at == links_.end()) return false;
  const Link& link = at->second;
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
  const auto at = links_.find(id);
  return at == links_.end() ? nullptr : &at->second;
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

bool ConnectionTable::working(const NodeId& node) const {
  const auto at = by_node_.find(node);
  return at != by_node_.end() && std::any_of(at->second.begin(), at->second.end(), [&](LinkId id) {
           return links_.at(id).session->health() == Health::good;
         });
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

Received ConnectionTable::feed(Link& link, const SharedBytes& bytes, Now now) {
  RELOAD_CHECK(link.is_overlay());
  Received received = link.session->feed(bytes, now);
  note(link.session->next_deadline());
  return received;
}

std::optional<Outgoing> ConnectionTable::send(Link& link, ByteView head, const SharedBytes& body, Now now) {
  RELOAD_CHECK(link.is_overlay());
  link.session->send(head, body, now);
  note(link.session->next_deadline());
  return link.session->take_outgoing();
}

std::vector<HealthChange> ConnectionTable::on_time(Now now) {
  std::vector<HealthChange> changes;
  if (!deadline_ || now.mono < *deadline_) return changes;
  deadline_.reset();
  for (auto& [id, link] : links_) {
    if (!link.session) continue;
    const Health before = link.session->health();
    const Health after = link.session->on_time(now);
    if (after != before) changes.push_back({id, link.node, after});
    if (auto outgoing = link.session->take_outgoing()) outgoing_.emplace_back(id, std::move(*outgoing));
    note(link.session->next_deadline());
  }
  return changes;
}

void ConnectionTable::note(std::optional<Mono> deadline) {
  if (deadline && (!deadline_ || *deadline < *deadline_)) deadline_ = deadline;
}

void ConnectionTable::set_max_message_size(std::size_t size) {
  max_message_size_ = size;
  for (auto& [id, link] : links_) {
    if (link.session) link.session->set_max_message_size(size);
  }
}

}  // namespace reload::link
