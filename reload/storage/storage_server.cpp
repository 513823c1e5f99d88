#include "reload/storage/storage_server.hpp"

#include "reload/storage/fetch_rules.hpp"
#include "reload/storage/store_rules.hpp"

namespace reload::storage {

using messaging::Context;
using messaging::Request;
using wire::ErrorCode;

namespace {

void send_error(const Request& request, Refusal refusal, Context& context) {
  context.effects.push_back(messaging::SendError{request.id, refusal.code, std::move(refusal.info)});
}

}  // namespace

void StorageServer::on_request(const Request& request, Context& context) {
  switch (request.code) {
    case wire::MessageCode::store_req:
      return on_store(request, context);
    case wire::MessageCode::fetch_req:
    case wire::MessageCode::stat_req:
      return on_fetch(request, context);
    case wire::MessageCode::find_req:
      return on_find(request, context);
    default:
      return send_error(request, {ErrorCode::invalid_message, "no storage request", {}}, context);
  }
}

void StorageServer::on_store(const Request& request, Context& context) {
  const auto refused = [&](Refusal refusal) {
    context.counters.add(Counter::stores_refused);
    send_error(request, std::move(refusal), context);
  };
  if (request.store == nullptr) return refused({ErrorCode::invalid_message, "the StoreReq is malformed", {}});
  auto accepted = check_store(
      {*request.store, request.signer, store_, context.config, context.route, context.crypto, context.now.wall});
  if (!accepted) {
    if (accepted.error().code == ErrorCode::forbidden)
      replicator_.on_refused_copy(request.signer.node_id, *request.store, context);
    return refused(std::move(accepted.error()));
  }
  if (!accepted->writes.empty() && !store_.apply(accepted->writes)) {
    // The RFC has no code for a full disk; for the writer it is the same as a limit.
    context.counters.add(Counter::store_failures);
    return refused({ErrorCode::data_too_large, "the store is full", {}});
  }
  context.counters.add(Counter::stores_accepted);
  for (const auto& signers : request.store->signers) {
    for (const security::Signer& signer : signers) certificates_.add(signer.certificate);
  }

  const wire::StoreReq& store = request.store->request;
  const bool original = store.replica_number == 0;
  const std::vector<NodeId> replicas = original ? context.route.replica_targets() : std::vector<NodeId>{};
  const WaitId wait = original ? ++last_wait_ : 0;
  Waiting waiting{request.id, {}, 0, true, context.now.mono + limits::kReplicaAckWait};
  wire::StoreAns answer;
  for (std::size_t k = 0; k < accepted->kinds.size(); ++k) {
    const KindOutcome& kind = accepted->kinds[k];
    const KindAt at{store.resource, kind.kind};
    answer.kind_responses.push_back({kind.kind, kind.generation, replicas});
    context.counters.add(Counter::values_stored, kind.changed.size());
    if (!original) {
      replicator_.on_copy_received(request.signer.node_id, at, kind.before, kind.generation,
                                   store.kind_data[k].values.size(), !kind.changed.empty());
    }
    // A peer that is handed what it owns passes it on to its own replicas, but its answer is for its own copy.
    if (original || !kind.changed.empty()) waiting.copies += replicator_.copy_changed(at, kind.changed, wait, context);
  }
  waiting.answer = wire::encode(answer);
  if (wait == 0 || waiting.copies == 0) {
    context.effects.push_back(messaging::SendAnswer{request.id, std::move(waiting.answer), {}});
  } else {
    waiting_.emplace(wait, std::move(waiting));
  }
}

void StorageServer::answer(WaitingMap& waiting, WaitingMap::iterator which, Context& context) {
  context.effects.push_back(messaging::SendAnswer{which->second.request, std::move(which->second.answer), {}});
  waiting.erase(which);
}

void StorageServer::on_released(const std::vector<Released>& released, Context& context) {
  for (const auto& [wait, arrived] : released) {
    for (WaitingMap* waiting : {&waiting_, &alone_}) {
      const auto it = waiting->find(wait);
      if (it == waiting->end()) continue;
      it->second.alone = it->second.alone && !arrived;
      const bool enough = waiting == &alone_ && arrived;
      if (--it->second.copies == 0 || enough) answer(*waiting, it, context);
      break;
    }
  }
}

void StorageServer::on_writes_lost(Context& context) {
  for (WaitingMap* waiting : {&waiting_, &alone_}) {
    const auto first = waiting->upper_bound(committed_);
    for (auto it = first; it != waiting->end(); ++it)
      context.effects.push_back(
          messaging::SendError{it->second.request, ErrorCode::data_too_large, to_bytes(as_bytes("the store failed"))});
    waiting->erase(first, waiting->end());
  }
  committed_ = last_wait_;
}

void StorageServer::on_timer(Context& context) {
  const auto over = [&](const WaitingMap& waiting) {
    return !waiting.empty() && waiting.begin()->second.until <= context.now.mono;
  };
  while (over(waiting_)) {
    const auto first = waiting_.begin();
    if (first->second.alone) {
      first->second.until += limits::kLoneAckWait - limits::kReplicaAckWait;
      alone_.insert(waiting_.extract(first));
    } else {
      answer(waiting_, first, context);
    }
  }
  while (over(alone_)) {
    context.counters.add(Counter::stores_without_copy);
    context.effects.push_back(messaging::SendError{alone_.begin()->second.request, ErrorCode::request_timeout,
                                                   to_bytes(as_bytes("no replica has confirmed its copy"))});
    alone_.erase(alone_.begin());
  }
}

std::optional<Mono> StorageServer::next_deadline() const {
  std::optional<Mono> next;
  for (const WaitingMap* waiting : {&waiting_, &alone_}) {
    if (!waiting->empty() && (!next || waiting->begin()->second.until < *next)) next = waiting->begin()->second.until;
  }
  return next;
}

// Fetch and Stat. What is here is told whether or not this peer is responsible: 6940 7.4.2 has no error for that, and
// a peer that fetches newer values from a replica (7.4.1.1) asks exactly so.
void StorageServer::on_fetch(const Request& request, Context& context) {
  const auto asked = wire::decode<wire::FetchReq>(request.body, context.config.codec());
  if (!asked) return send_error(request, {ErrorCode::invalid_message, "the request is malformed", {}}, context);
  auto selected = select_values(*asked, store_, context.config.kinds, context.now.wall);
  if (!selected) return send_error(request, std::move(selected.error()), context);
  if (!context.config.bad_nodes.empty()) leave_out_banned(*selected, context);
  context.counters.add(Counter::fetches_served);
  messaging::SendAnswer answer{request.id, {}, {}};
  if (request.code == wire::MessageCode::stat_req) {
    answer.body = wire::encode(stat_answer(*selected, context.crypto));
  } else {
    for (const SelectedKind& kind : *selected) {
      for (const StoredValue& value : kind.values) add_once(answer.certificates, certificates_.of(value, context));
    }
    answer.body = wire::encode(fetch_answer(std::move(*selected)));
  }
  context.effects.push_back(std::move(answer));
}

// The walk that removes them takes its time in a large store.
void StorageServer::leave_out_banned(std::vector<SelectedKind>& selected, const Context& context) {
  for (SelectedKind& kind : selected) {
    std::erase_if(kind.values, [&](const StoredValue& value) {
      const security::CertificatePtr signer = certificates_.of(value, context);
      return signer != nullptr && security::is_banned(*signer, context.config);
    });
  }
}

void StorageServer::on_find(const Request& request, Context& context) {
  const auto asked = wire::decode<wire::FindReq>(request.body, context.config.codec());
  if (!asked) return send_error(request, {ErrorCode::invalid_message, "the FindReq is malformed", {}}, context);
  if (!context.route.responsible(asked->resource))
    return send_error(request, {ErrorCode::not_found, "not responsible for the resource", {}}, context);
  auto found = find_answer(*asked, store_, context.config.kinds);
  if (!found) return send_error(request, std::move(found.error()), context);
  context.effects.push_back(messaging::SendAnswer{request.id, wire::encode(*found), {}});
}

}  // namespace reload::storage
