#include "tests/unit/storage/ring_kit.hpp"

#include "reload/base/check.hpp"

namespace reload::storage_test {

NodeId node_at(std::uint8_t first_byte) {
  Bytes bytes(16);
  bytes.front() = first_byte;
  return NodeId(bytes);
}

NodeId RingRoute::owner_of(const ResourceId& resource) const {
  const auto it = members_.lower_bound(NodeId(resource.view()));
  return it == members_.end() ? *members_.begin() : *it;
}

std::vector<NodeId> RingRoute::replica_targets() const {
  std::vector<NodeId> targets;
  auto it = members_.upper_bound(self_);
  while (targets.size() < 2 && targets.size() + 1 < members_.size()) {
    if (it == members_.end()) it = members_.begin();
    targets.push_back(*it++);
  }
  return targets;
}

bool RingRoute::plausible_replica_source(const ResourceId& resource, const NodeId& sender) const {
  auto it = members_.find(owner_of(resource));
  for (int i = 0; i < 3; ++i) {
    if (*it == sender) return true;
    if (++it == members_.end()) it = members_.begin();
  }
  return false;
}

Ring::Ring(const std::vector<std::uint8_t>& nodes) {
  for (const std::uint8_t node : nodes) {
    add(node);
    members_.insert(node_at(node));
  }
  tell_range();
}

Ring::Peer& Ring::add(std::uint8_t node) {
  return *peers_.insert_or_assign(node_at(node), std::make_unique<Peer>(node_at(node), members_)).first->second;
}

void Ring::join(std::uint8_t node) {
  members_.insert(node_at(node));
  tell_range();
}

void Ring::fail(std::uint8_t node) {
  members_.erase(node_at(node));
  peers_.erase(node_at(node));
  for (auto& [id, peer] : peers_) {
    auto context = peer->bench.context();
    peer->bench.storage.on_neighbor_failed(node_at(node), context);
  }
  tell_range();
}

void Ring::tell_range() {
  for (auto& [id, peer] : peers_) {
    auto context = peer->bench.context();
    peer->bench.storage.on_range_changed(context);
  }
}

std::vector<NodeId> Ring::replica_set(const ResourceId& resource) {
  const NodeId owner = any_route().owner_of(resource);
  std::vector<NodeId> set = RingRoute(owner, members_).replica_targets();
  set.push_back(owner);
  std::sort(set.begin(), set.end());
  return set;
}

void Ring::store(const std::string& user, std::string_view value, std::uint64_t time, std::uint32_t lifetime) {
  const ResourceId resource = resource_of_user(user);
  const security::Signer signer = make_signer(kit::node_number(77), user);
  users_[resource] = signer;
  owner(resource).bench.store(
      ++last_store, make_store(resource, kSingle, 0, {make_value(text(value), time, lifetime)}, signer), signer);
}

void Ring::deliver(const NodeId& from, messaging::SendRequest request) {
  const auto* node = std::get_if<NodeId>(&request.to.front());
  const NodeId to = node != nullptr ? *node : any_route().owner_of(std::get<ResourceId>(request.to.front()));
  const auto models = test_config();
  std::shared_ptr<messaging::VerifiedStore> store;
  ResourceId resource;
  if (request.code == wire::MessageCode::store_req) {
    auto decoded = wire::decode<wire::StoreReq>(request.body, models.codec());
    RELOAD_CHECK(decoded.has_value());
    ++stores_to[to];
    resource = decoded->resource;
    store = std::make_shared<messaging::VerifiedStore>();
    for (const auto& kind : decoded->kind_data) store->signers.emplace_back(kind.values.size(), signer_of(resource));
    store->request = std::move(*decoded);
  } else {
    resource = wire::decode<wire::FetchReq>(request.body, models.codec())->resource;
  }
  Peer& sender = *peers_.at(from);
  auto context = sender.bench.context();
  if (deaf.contains(to) || !peers_.contains(to)) {
    messaging::Answer answer;
    answer.status = messaging::AnswerStatus::timed_out;
    return sender.bench.storage.on_answer(request.token, answer, context);
  }
  if (refuse_with && store) {
    messaging::Answer answer;
    answer.status = messaging::AnswerStatus::error;
    answer.error = *refuse_with;
    return sender.bench.storage.on_answer(request.token, answer, context);
  }
  asked_[++last_request_] = {from, request.token, request.code, resource};
  peers_.at(to)->bench.request(last_request_, request.code, request.body, make_signer(from, "peer"), store);
}

void Ring::run() {
  for (bool busy = true; busy;) {
    busy = false;
    std::vector<NodeId> ids;
    for (const auto& [id, peer] : peers_) ids.push_back(id);
    for (const NodeId& id : ids) {
      Peer& peer = *peers_.at(id);
      for (auto& request : peer.bench.take<messaging::SendRequest>()) {
        busy = true;
        deliver(id, std::move(request));
      }
      for (const auto& done : peer.bench.take<messaging::HandedOver>()) peer.handed_over.push_back(done.owner);
      const auto give = [&](RequestId request, messaging::Answer answer) {
        busy = true;
        const auto asked = asked_.extract(request.value);
        if (asked.empty()) {
          answered.insert(request.value);
          return;
        }
        if (!peers_.contains(asked.mapped().from)) return;
        if (asked.mapped().code == wire::MessageCode::fetch_req && answer.status == messaging::AnswerStatus::ok) {
          auto fetch = std::make_shared<messaging::VerifiedFetch>();
          fetch->answer = *wire::decode<wire::FetchAns>(answer.body, test_config().codec());
          for (const auto& kind : fetch->answer.kind_responses)
            fetch->signers.emplace_back(kind.values.size(), signer_of(asked.mapped().resource));
          answer.fetch = fetch;
        }
        Bench& to = peers_.at(asked.mapped().from)->bench;
        auto context = to.context();
        to.storage.on_answer(asked.mapped().token, answer, context);
      };
      for (const auto& answer : peer.bench.take<messaging::SendAnswer>())
        give(answer.request, {messaging::AnswerStatus::ok, answer.body, {}, {}, {}});
      for (const auto& error : peer.bench.take<messaging::SendError>())
        give(error.request, {messaging::AnswerStatus::error, error.info, error.code, {}, {}});
    }
  }
}

void Ring::pass(Duration time) {
  for (Duration passed{}; passed < time; passed += 1s) {
    for (auto& [id, peer] : peers_) peer->bench.pass(1s);
    run();
  }
}

std::vector<NodeId> Ring::holders(const std::string& user, std::string_view value) {
  std::vector<NodeId> found;
  for (auto& [id, peer] : peers_) {
    const auto held = peer->bench.values->find({resource_of_user(user), kSingle, {}});
    if (held && held->data.value == wire::StoredDataValue(text(value))) found.push_back(id);
  }
  return found;
}

}  // namespace reload::storage_test
