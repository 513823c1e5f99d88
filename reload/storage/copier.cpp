#include "reload/storage/copier.hpp"

namespace reload::storage {

using messaging::AnswerStatus;
using messaging::Context;

bool Copier::copy(const NodeId& target, const KindAt& at, std::uint8_t replica_number, std::span<const Bytes> changed,
                  WaitId wait, Context& context) {
  const std::uint64_t generation = store_.generation(at);
  if (generation == 0) return false;
  const Key key{target, at};
  if (const auto it = flights_.find(key); it != flights_.end()) {
    it->second.again = it->second.again || it->second.generation != generation;
    if (wait != 0) it->second.waits.emplace_back(generation, wait);
    return true;
  }
  if (known_.generation(target, at) == generation) return false;
  std::vector<StoredValue> values = values_to_send(target, at, changed, context.now.wall);
  if (values.empty()) return false;
  Flight& flight = flights_[key];
  flight.generation = generation;
  flight.replica_number = replica_number;
  if (wait != 0) flight.waits.emplace_back(generation, wait);
  ++under_way_[target];
  send(key, flight, std::move(values), context);
  return true;
}

std::vector<StoredValue> Copier::values_to_send(const NodeId& target, const KindAt& at, std::span<const Bytes> changed,
                                                Wall now) const {
  std::vector<StoredValue> values;
  const auto add = [&](StoredValue value) {
    value.data.lifetime = remaining_lifetime(value, now);
    if (value.data.lifetime > 0) values.push_back(std::move(value));
  };
  if (!changed.empty() && known_.generation(target, at) + 1 == store_.generation(at)) {
    for (const Bytes& slot : changed) {
      if (auto value = store_.find({at.resource, at.kind, slot})) add(std::move(*value));
    }
  } else {
    for (auto& [key, value] : store_.values(at)) add(std::move(value));
  }
  return values;
}

void Copier::send(const Key& key, Flight& flight, std::vector<StoredValue> values, Context& context) {
  // As many values in one message as max-message-size allows, and at least one.
  const std::size_t most = context.config.max_message_size;
  const std::size_t room = most > 2 * limits::kStoreMessageReserve ? most - limits::kStoreMessageReserve : most / 2;
  std::vector<StoredValue> part;
  std::size_t size = 0;
  std::optional<security::CertificateHash> last;
  for (StoredValue& value : values) {
    std::size_t more = wire::encode_stored(value.data).size();
    if (last != value.certificate_hash) more += value.certificate.size();
    if (!part.empty() && size + more > room) {
      send_message(key, flight, std::exchange(part, {}), context);
      ++flight.messages;
      size = 0;
    }
    size += more;
    last = value.certificate_hash;
    part.push_back(std::move(value));
  }
  send_message(key, flight, std::move(part), context);
  ++flight.messages;
}

void Copier::send_message(const Key& key, const Flight& flight, std::vector<StoredValue> values, Context& context) {
  const auto& [target, at] = key;
  messaging::SendRequest request;
  wire::StoreReq store;
  store.resource = at.resource;
  store.replica_number = flight.replica_number;
  wire::StoreKindData& data = store.kind_data.emplace_back();
  data.kind = at.kind;
  data.generation_counter = flight.generation;
  for (StoredValue& value : values) {
    add_once(request.certificates, certificates_.of(value, context));
    data.values.push_back(std::move(value.data));
  }
  context.counters.add(Counter::replicas_sent, data.values.size());
  const std::uint64_t number = tokens_.next();
  by_token_.emplace(number, key);
  request.token = token_of(number);
  request.to = {target == kResponsiblePeer ? wire::Destination(at.resource) : wire::Destination(target)};
  request.code = wire::MessageCode::store_req;
  request.body = wire::encode(store);
  context.effects.push_back(std::move(request));
}

void Copier::outdate(const KindAt& at) {
  for (auto& [key, flight] : flights_) {
    if (key.second == at) flight.again = flight.outdated = true;
  }
}

std::optional<CopyDone> Copier::on_answer(const messaging::Token& token, const messaging::Answer& answer,
                                          Context& context) {
  const auto by_token = by_token_.find(token.number);
  if (by_token == by_token_.end()) return std::nullopt;
  const Key key = by_token->second;
  by_token_.erase(by_token);
  Flight& flight = flights_.at(key);
  if (answer.status != AnswerStatus::ok) {
    flight.status = answer.status;
    flight.error = answer.error;
  }
  if (--flight.messages > 0) return std::nullopt;

  const Flight done = std::move(flight);
  flights_.erase(key);
  if (--under_way_[key.first] == 0) under_way_.erase(key.first);
  CopyDone outcome{key.first, key.second, done.generation, done.outdated, done.status, done.error, {}};
  const bool arrived = done.status == AnswerStatus::ok;
  if (arrived && !done.outdated && key.first != kResponsiblePeer) known_.note(key.first, key.second, done.generation);
  for (const auto& [generation, wait] : done.waits) {
    // A later copy is waited for further, unless the target fails anyway.
    const bool later = arrived && (done.outdated || generation != done.generation);
    if (!later || !copy(key.first, key.second, done.replica_number, {}, wait, context)) outcome.waits.push_back(wait);
  }
  if (arrived && done.again) copy(key.first, key.second, done.replica_number, {}, 0, context);
  return outcome;
}

std::size_t Copier::under_way(const NodeId& target) const {
  const std::size_t* count = under_way_.get(target);
  return count == nullptr ? 0 : *count;
}

}  // namespace reload::storage
