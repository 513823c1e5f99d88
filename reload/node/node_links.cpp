// Bytes to messages and back: links that come and go, and what forwarding decided.
#include "reload/node/node_impl.hpp"
#include "reload/security/admission.hpp"

namespace reload::node {

Result<security::Signer> Node::Impl::admit(const LinkUp& input, messaging::Context& context) {
  auto peer = security::admit_link(input.certificates, *trust, context.now.wall, crypto, link_certificates);
  if (!peer) return tl::unexpected(peer.error());
  if (peer->node_id == context.self) return failure("the other side is this node itself");
  return security::Signer{std::move(peer->certificate), peer->node_id.value_or(NodeId())};
}

void Node::Impl::take(LinkUp& input, messaging::Context& context) {
  Opening why;
  if (const auto found = opening.find(input.link); found != opening.end()) {
    why = found->second;
    opening.erase(found);
  } else {
    why.application = input.application;
  }
  const auto peer = admit(input, context);
  if (!peer) {
    counters.add(Counter::links_refused);
    outputs.push_back(CloseLink{input.link, peer.error().text});
    if (why.attempt != 0) return connect.on_open_failed(why.attempt, peer.error().text, context);
    if (!input.inbound) bootstrap.on_failed(context);
    return;
  }
  far_ends[input.link] = {input.remote, peer->certificate};
  if (why.application)
    app_link_up(input, why, *peer, context);
  else
    overlay_link_up(input, why, *peer, context);
}

void Node::Impl::overlay_link_up(const LinkUp& input, const Opening& why, const security::Signer& peer,
                                 messaging::Context& context) {
  const bool bound = !peer.node_id.is_zero();
  const auto node = bound ? std::optional(peer.node_id) : std::nullopt;
  if (links.add_overlay(input.link, node, input.inbound, input.datagrams) == nullptr) {
    far_ends.erase(input.link);
    outputs.push_back(CloseLink{input.link, "too many links"});
    if (why.attempt != 0) connect.on_open_failed(why.attempt, "too many links", context);
    return;
  }
  counters.add(Counter::links_opened);
  if (bound) topology->on_link_up(peer.node_id, context);
  connect.on_overlay_link(why.attempt, input.link, peer, input.inbound, context);
  if (input.inbound || why.attempt != 0 || !bound) return;
  // A link to a bootstrap node.
  if (topology->joined()) {
    bootstrap.reset();
    topology->on_partition_check(peer.node_id, context);
    if (links.links_to(peer.node_id).size() > 1) close(input.link, "linked already", context);
  } else {
    bootstrap.on_link(peer.node_id);
    contact = peer.node_id;
    topology->start_join(peer.node_id, context);
  }
}

void Node::Impl::app_link_up(const LinkUp& input, const Opening& why, const security::Signer& peer,
                             messaging::Context& context) {
  if (links.add_application(input.link, peer.node_id, *why.application, input.inbound) == nullptr ||
      pipes.size() >= limits::kMaxPipes) {
    forget(input.link, context);
    outputs.push_back(CloseLink{input.link, "too many links"});
    if (why.attempt != 0) connect.on_open_failed(why.attempt, "too many links", context);
    return;
  }
  counters.add(Counter::links_opened);
  pipes[input.link].certificate = peer.certificate;
  connect.on_app_link(why.attempt, input.link, peer, *why.application, input.inbound, context);
}

void Node::Impl::take(LinkDown& input, messaging::Context& context) {
  if (const auto found = opening.find(input.link); found != opening.end()) {
    const Opening why = found->second;
    opening.erase(found);
    counters.add(Counter::links_failed);
    if (why.attempt != 0) return connect.on_open_failed(why.attempt, input.reason, context);
    return bootstrap.on_failed(context);
  }
  if (pipes.contains(input.link) && pipes[input.link].announced) outputs.push_back(PipeDown{input.link, input.reason});
  forget(input.link, context);
}

void Node::Impl::take(HandshakeFailed&, messaging::Context&) { counters.add(Counter::handshakes_failed); }

void Node::Impl::close(LinkId id, const std::string& reason, messaging::Context& context) {
  outputs.push_back(CloseLink{id, reason});
  forget(id, context);
}

void Node::Impl::close_after_error(LinkId id, const std::string& reason, messaging::Context& context) {
  closing.try_emplace(id, Closing{reason, context.now.mono + kTimeForLastError});
}

void Node::Impl::close_due(messaging::Context& context) {
  std::vector<std::pair<LinkId, std::string>> due;
  for (const auto& [id, link] : closing)
    if (link.at <= context.now.mono) due.emplace_back(id, link.reason);
  for (const auto& [id, reason] : due) close(id, reason, context);
}

void Node::Impl::forget(LinkId id, messaging::Context& context) {
  far_ends.erase(id);
  closing.erase(id);
  pipes.erase(id);
  link::Link* link = links.find(id);
  if (link == nullptr) return;
  counters.add(Counter::links_closed);
  const bool overlay = link->is_overlay();
  const std::optional<NodeId> node = link->node;
  links.remove(id);
  forwarder.on_link_closed(id);
  connect.on_link_down(id);
  if (!overlay || !node) return;
  if (!links.connected(*node))
    topology->on_link_down(*node, context);
  else if (!links.working(*node))  // the one that is gone was the last that worked
    topology->on_link_suspect(*node, true, context);
}

void Node::Impl::take(LinkBytes& input, messaging::Context& context) {
  link::Link* link = links.find(input.link);
  if (link == nullptr) return;
  if (link->is_overlay()) counters.add(Counter::bytes_received, input.bytes.size());
  if (closing.contains(input.link)) return;
  if (link->is_overlay()) return overlay_bytes(*link, input.bytes, context);
  const auto pipe = pipes.find(input.link);
  if (pipe == pipes.end()) return;
  if (pipe->second.announced) {
    outputs.push_back(PipeData{input.link, std::move(input.bytes)});
    return;
  }
  pipe->second.early_bytes += input.bytes.size();
  if (pipe->second.early_bytes > limits::kMaxEarlyPipeBytes)
    return close(input.link, "too many bytes before the connection was accepted", context);
  pipe->second.early.push_back(std::move(input.bytes));
}

void Node::Impl::overlay_bytes(link::Link& link, const SharedBytes& bytes, messaging::Context& context) {
  const LinkId id = link.id;
  const forwarding::Arrival from{id, link.node};
  link::Received received = links.feed(link, bytes, context.now);
  if (!received.acks.empty()) {
    counters.add(Counter::bytes_sent, received.acks.size());
    outputs.push_back(SendOnLink{id, std::move(received.acks), {}});
  }
  if (received.restored && link.node) topology->on_link_suspect(*link.node, false, context);
  for (const SharedBytes& message : received.messages) {
    act(forwarder.receive(message, from, *topology, context.now), from, context);
    if (!is_read(id)) return;  // the message made us close the link
  }
  if (received.fault == link::FrameFault::none) return;
  if (received.fault == link::FrameFault::oversized && !received.oversized_head.empty()) {
    act(forwarder.receive(received.oversized_head, from, *topology, context.now), from, context);
    if (!is_read(id)) return;
  }
  close(id, received.fault == link::FrameFault::oversized ? "a message above max-message-size" : "a malformed frame",
        context);
}

void Node::Impl::act(forwarding::Decision decision, const forwarding::Arrival& from, messaging::Context& context) {
  std::visit(Overloaded{
                 [&](forwarding::Deliver& deliver) {
                   counters.add(Counter::messages_delivered);
                   if (!deliver.header.is_whole()) {
                     auto whole = reassembly.add(std::move(deliver), context.now);
                     if (!whole) return;
                     deliver = std::move(*whole);
                   }
                   const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(context.now.mono - started);
                   messenger.set_probe_facts({static_cast<std::uint32_t>(storage.resource_count()),
                                              static_cast<std::uint32_t>(uptime.count())});
                   messenger.on_delivered(std::move(deliver.header), std::move(deliver.body),
                                          std::move(deliver.previous_hop), from.node.value_or(NodeId()), context);
                 },
                 [&](forwarding::Forward& forward) {
                   if (from.link.value != 0) {
                     if (is_shed(from, forward.hop, context)) return counters.add(Counter::messages_shed);
                     counters.add(Counter::messages_forwarded);
                   }
                   send(forward, context);
                 },
                 [&](forwarding::Drop& drop) { counters.add(drop.reason); },
                 [&](forwarding::Refuse& refuse) {
                   counters.add(refuse.reason);
                   // Its document may have a larger initial-ttl; it would be told of ours by nobody else.
                   if (refuse.reason == Counter::ttl_exceeded && from.node &&
                       config::is_newer_sequence(config->sequence, refuse.header.configuration_sequence))
                     messenger.push_config(*from.node, context);
                   messenger.send_hop_error(refuse.header, refuse.previous_hop, refuse.code,
                                            to_bytes(as_bytes(refuse.info)), context);
                   if (refuse.close_link) close_after_error(from.link, refuse.info, context);
                 },
                 [&](forwarding::CloseLink& order) {
                   counters.add(order.reason);
                   close(from.link, order.text, context);
                 },
             },
             decision);
}

link::Link* Node::Impl::link_of(const forwarding::Hop& hop) {
  const auto* node = std::get_if<NodeId>(&hop);
  return node != nullptr ? links.link_to(*node) : links.find(std::get<LinkId>(hop));
}

// What a link brings beyond its budget goes on only where the way is free.
bool Node::Impl::is_shed(const forwarding::Arrival& from, const forwarding::Hop& hop, messaging::Context& context) {
  link::Link* source = links.find(from.link);
  if (source == nullptr || source->budget.take(context.now.mono)) return false;
  const link::Link* way = link_of(hop);
  return way != nullptr && way->session && way->session->is_busy();
}

void Node::Impl::send(const forwarding::Forward& message, messaging::Context& context) {
  link::Link* link = link_of(message.hop);
  if (link == nullptr || !link->is_overlay()) return counters.add(Counter::messages_dropped_unroutable);
  link::Rank rank{.upkeep = message.upkeep, .further = false};
  const auto send_one = [&](ByteView head, const SharedBytes& body) {
    if (auto outgoing = links.send(*link, head, body, rank, context.now)) write(link->id, std::move(*outgoing));
    rank.further = true;
  };
  const std::optional<std::size_t> mtu = link->session->path_mtu();
  if (!mtu || wire::kDataFrameHeaderSize + message.head.size() + message.body.size() <= *mtu)
    return send_one(message.head, message.body);
  // 6940 6.7: cut for this link, put together at the destination.
  const auto header = wire::decode_header(message.head, config->node_id_length).header;
  for (const forwarding::Piece& piece : forwarding::cut(header, message.body, *mtu)) send_one(piece.head, piece.body);
}

void Node::Impl::write(LinkId id, link::Outgoing outgoing) {
  counters.add(Counter::bytes_sent, outgoing.head.size() + outgoing.body.size());
  outputs.push_back(SendOnLink{id, std::move(outgoing.head), std::move(outgoing.body)});
}

void Node::Impl::judge_links(messaging::Context& context) {
  const std::vector<link::HealthChange> changes = links.on_time(context.now);
  for (auto& [id, outgoing] : links.take_outgoing()) write(id, std::move(outgoing));
  for (const link::HealthChange& change : changes) {
    if (change.health == link::Health::dead) {
      close(change.link, "no acknowledgement in time", context);
    } else if (change.health == link::Health::suspect && change.node && !links.working(*change.node)) {
      counters.add(Counter::links_suspect);
      topology->on_link_suspect(*change.node, true, context);
    }
  }
}

}  // namespace reload::node
