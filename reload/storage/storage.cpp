#include "reload/storage/storage.hpp"

#include "reload/storage/storage_client.hpp"
#include "reload/storage/storage_server.hpp"
#include "reload/storage/upkeep.hpp"

namespace reload::storage {

using messaging::Context;

struct Storage::Impl {
  explicit Impl(ValueStore& values) : store(values) {}

  ValueStore& store;
  TokenSource tokens;
  SignerCertificates certificates;
  StorageClient client{tokens};
  Replicator replicator{store, certificates, tokens};
  StorageServer server{store, replicator, certificates};
  Upkeep upkeep{store, replicator, certificates};
};

Storage::Storage(ValueStore& store) : impl_(std::make_unique<Impl>(store)) {}
Storage::~Storage() = default;

void Storage::on_request(const messaging::Request& request, Context& context) {
  impl_->server.on_request(request, context);
}

void Storage::on_answer(const messaging::Token& token, const messaging::Answer& answer, Context& context) {
  if (impl_->client.on_answer(token, answer, context)) return;
  if (impl_->replicator.on_answer(token, answer, context))
    impl_->server.on_released(impl_->replicator.take_released(), context);
}

void Storage::on_signed(const messaging::SignedValue& value, Context& context) {
  impl_->client.on_signed(value, context);
}

void Storage::on_timer(Context& context) {
  impl_->server.on_timer(context);
  impl_->upkeep.on_timer(context);
  impl_->replicator.on_timer(context);
}

std::optional<Mono> Storage::next_deadline(const Now& now) const {
  std::optional<Mono> next;
  for (const std::optional<Mono>& one :
       {impl_->server.next_deadline(), impl_->upkeep.next_deadline(now), impl_->replicator.next_deadline()}) {
    if (one && (!next || *one < *next)) next = one;
  }
  return next;
}

void Storage::on_range_changed(Context& context) { impl_->replicator.on_range_changed(context); }

void Storage::on_neighbor_failed(const NodeId& node, Context& context) {
  impl_->replicator.on_neighbor_failed(node, context);
}

void Storage::on_hand_over(const NodeId& owner, const NodeId& after, Context& context) {
  impl_->replicator.on_hand_over(owner, after, context);
}

void Storage::on_config_changed(Context& context) { impl_->upkeep.on_config_changed(context); }

void Storage::on_committed() { impl_->server.on_committed(); }

void Storage::on_writes_lost(Context& context) { impl_->server.on_writes_lost(context); }

void Storage::store(ApiId id, StoreCall call, Context& context) { impl_->client.store(id, std::move(call), context); }

void Storage::fetch(ApiId id, FetchCall call, Context& context) { impl_->client.fetch(id, std::move(call), context); }

std::vector<StorageEvent> Storage::take_events() { return impl_->client.take_events(); }

std::size_t Storage::resource_count() const { return impl_->store.resource_count(); }

std::size_t Storage::value_count() const { return impl_->store.value_count(); }

}  // namespace reload::storage
