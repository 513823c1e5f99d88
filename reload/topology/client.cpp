#include "reload/topology/client.hpp"

#include <algorithm>

#include "reload/base/ring.hpp"

namespace reload::topology {

using messaging::Context;
using messaging::SendAnswer;
using messaging::SendError;
using wire::ErrorCode;
using wire::MessageCode;

namespace {

constexpr std::chrono::seconds kFirstRetry = 5s;
constexpr std::chrono::seconds kAttachLost = 60s;  // connect answers long before
constexpr unsigned kMaxDoublings = 5;

}  // namespace

void Client::start_first(Context&) {}  // a client begins no ring

void Client::start_join(const NodeId& bootstrap, Context& context) {
  if (context.config.node_id_length != 16 || !ring::is_point(self_.view())) return;  // T54
  if (state_ == JoinState::leaving || state_ == JoinState::left) return;
  on_link_up(bootstrap, context);
  if (std::find(peers_.begin(), peers_.end(), bootstrap) == peers_.end()) peers_.push_back(bootstrap);
  if (!peer_) use(bootstrap, context);
  attach(context);
}

// Clients neither Join nor Leave; there is nothing to say.
void Client::leave(Context& context) {
  if (joined()) context.effects.push_back(messaging::JoinStateChanged{false});
  state_ = JoinState::left;
  attach_at_.reset();
  attaching_ = false;
}

void Client::attach(Context& context) {
  if (attaching_) return;
  attaching_ = true;
  attach_at_ = context.now.mono + kAttachLost;
  context.effects.push_back(messaging::WantLink{++number_, {ResourceId(self_.view())}, true});
}

void Client::use(std::optional<NodeId> peer, Context& context) {
  const bool was = joined();
  peer_ = peer;
  if (state_ != JoinState::left) state_ = peer_ ? JoinState::joined : JoinState::idle;
  if (joined() != was) context.effects.push_back(messaging::JoinStateChanged{joined()});
}

void Client::on_link_up(const NodeId& node, Context&) {
  const auto it = std::lower_bound(links_.begin(), links_.end(), node);
  if (it == links_.end() || *it != node) links_.insert(it, node);
}

void Client::on_link_down(const NodeId& node, Context& context) {
  std::erase(links_, node);
  std::erase(peers_, node);
  if (peer_ != node) return;
  use(peers_.empty() ? std::nullopt : std::optional(peers_.back()), context);
  if (joined()) attach(context);
}

void Client::on_link_suspect(const NodeId&, bool, Context&) {}
void Client::on_responder_doubted(const ResourceId&, const NodeId&, Context&) {}  // it knows nobody nearer

void Client::on_attach_done(std::uint64_t number, const Result<NodeId>& node, Context& context) {
  if (number != number_ || !attaching_) return;
  attaching_ = false;
  attach_at_.reset();
  if (node && *node != self_) {
    failures_ = 0;
    on_link_up(*node, context);
    std::erase(peers_, *node);
    peers_.push_back(*node);
    use(*node, context);
    return;
  }
  const std::chrono::seconds delay = kFirstRetry * (1 << std::min(failures_++, kMaxDoublings));
  const auto spread = context.rng.below(static_cast<std::uint64_t>(Duration(delay).count()));
  attach_at_ = context.now.mono + delay + Duration(static_cast<Duration::rep>(spread));
}

void Client::on_request(const messaging::Request& request, Context& context) {
  switch (request.code) {
    case MessageCode::update_req:
      return on_update(request, context);
    case MessageCode::leave_req: {
      const auto leave = wire::decode<wire::LeaveReq>(request.body, context.config.codec());
      if (!leave) {
        context.effects.push_back(SendError{request.id, ErrorCode::invalid_message, {}});
      } else if (leave->leaving_peer_id != request.signer.node_id || leave->leaving_peer_id != request.link_node) {
        context.effects.push_back(SendError{request.id, ErrorCode::forbidden, {}});
      } else {
        context.effects.push_back(SendAnswer{request.id, wire::encode(wire::LeaveAns{}), {}});
      }
      return;  // its link goes down when it has left
    }
    default:  // join_req, route_query_req: this is no peer
      context.effects.push_back(SendError{request.id, ErrorCode::not_found, {}});
  }
}

void Client::on_update(const messaging::Request& request, Context& context) {
  context.counters.add(Counter::updates_received);
  const auto update = wire::decode<wire::UpdateReq>(request.body, context.config.codec());
  if (!update) {
    context.effects.push_back(SendError{request.id, ErrorCode::invalid_message, {}});
    return;
  }
  context.effects.push_back(SendAnswer{request.id, wire::encode(wire::UpdateAns{}), {}});
  const NodeId& from = request.signer.node_id;
  if (from != peer_ || update->predecessors.empty() || !ring::is_point(from.view())) return;
  // 4.2.1: the peer's range, as far as it goes, does not cover this client any more.
  const ring::Point here = ring::to_point(from.view());
  ring::Point before = here;
  for (const NodeId& node : update->predecessors) {
    if (!ring::is_point(node.view()) || node == from) continue;
    const ring::Point point = ring::to_point(node.view());
    if (before == here || ring::distance(point, here) < ring::distance(before, here)) before = point;
  }
  const bool covered = ring::in_open_closed(ring::to_point(self_.view()), before, here);
  if (!covered) attach(context);
}

void Client::on_answer(const messaging::Token&, const messaging::Answer&, Context&) {}
void Client::on_update_wanted(const NodeId&, Context&) {}  // a client sends no Update
void Client::on_handed_over(const NodeId&, Context&) {}
void Client::on_partition_check(const NodeId& bootstrap, Context& context) { on_link_up(bootstrap, context); }

void Client::on_timer(Context& context) {
  if (!attach_at_ || *attach_at_ > context.now.mono) return;
  attach_at_.reset();
  attaching_ = false;
  if (joined()) attach(context);
}

void Client::on_config_changed(Context&) {}

TopologyStatus Client::status() const {
  TopologyStatus status;
  status.state = state_;
  if (peer_) status.successors = {*peer_};
  status.successor_answers = peer_.has_value();
  return status;
}

std::vector<NodeId> Client::next_hops(const ResourceId&, bool own) const {
  return own && peer_ ? std::vector{*peer_} : std::vector<NodeId>{};  // routes for nobody else
}

std::vector<NodeId> Client::next_hops(const NodeId&, bool own) const {
  return own && peer_ ? std::vector{*peer_} : std::vector<NodeId>{};
}

NodeId Client::owner_of(const ResourceId&) const { return peer_.value_or(self_); }

std::unique_ptr<Topology> make_client(const NodeId& self) { return std::make_unique<Client>(self); }

}  // namespace reload::topology
