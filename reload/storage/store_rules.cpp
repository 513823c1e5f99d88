#include "reload/storage/store_rules.hpp"

#include <algorithm>
#include <map>

#include "reload/base/check.hpp"
#include "reload/security/access_control.hpp"
#include "reload/storage/fetched_values.hpp"

namespace reload::storage {

namespace {

using security::Signer;
using wire::ErrorCode;
using Checked = tl::expected<void, Refusal>;

// 6940 7.4.1.1: no Kind twice, something in each.
Checked check_form(const StoreCase& c) {
  std::vector<KindId> kinds;
  std::size_t values = 0;
  for (const wire::StoreKindData& data : c.store.request.kind_data) {
    kinds.push_back(data.kind);
    values += data.values.size();
    if (data.values.empty() && data.unknown_values.empty())
      return refuse(ErrorCode::invalid_message, "a Kind comes without a value");
  }
  if (values > limits::kMaxValuesPerStore) return refuse(ErrorCode::data_too_large, "too many values in one Store");
  return check_unique(std::move(kinds));
}

// 6940 7.4.1.1: who may ask this peer to store here at all.
Checked check_place(const StoreCase& c) {
  const ResourceId& resource = c.store.request.resource;
  if (c.store.request.replica_number == 0) {
    if (!c.route.responsible(resource)) return refuse(ErrorCode::not_found, "not responsible for the resource");
    return {};
  }
  if (!c.route.in_replica_set(resource)) return refuse(ErrorCode::forbidden, "not a replica of the resource");
  if (!c.route.plausible_replica_source(resource, c.sender.node_id))
    return refuse(ErrorCode::forbidden, "the sender is no plausible holder of the resource");
  return {};
}

Checked check_kinds(const StoreCase& c) {
  std::vector<KindId> kinds;
  for (const wire::StoreKindData& data : c.store.request.kind_data) kinds.push_back(data.kind);
  if (Checked known = check_known(kinds, c.config.kinds); !known) return known;
  // Decoded under a configuration that was replaced meanwhile: the sender shall ask again.
  for (const wire::StoreKindData& data : c.store.request.kind_data) {
    const wire::DataModel model = c.config.kinds.find(data.kind)->model;
    const bool fits = std::all_of(data.values.begin(), data.values.end(), [model](const wire::StoredData& value) {
      return wire::model_of(value.value) == model;
    });
    if (!fits || !data.unknown_values.empty())
      return refuse(ErrorCode::unknown_kind, "the Kind's data model changed", wire::encode(std::vector{data.kind}));
  }
  return {};
}

bool same_signer(const Signer& a, const Signer& b) { return a.certificate == b.certificate && a.node_id == b.node_id; }

// 6940 7.4.1.1: every value is signed, rightly, and by one who may write it.
Checked check_values(const StoreCase& c) {
  const wire::StoreReq& request = c.store.request;
  for (std::size_t k = 0; k < request.kind_data.size(); ++k) {
    const config::Kind& kind = *c.config.kinds.find(request.kind_data[k].kind);
    for (std::size_t v = 0; v < request.kind_data[k].values.size(); ++v) {
      const wire::StoredData& data = request.kind_data[k].values[v];
      if (is_unsigned(data.signature)) return refuse(ErrorCode::forbidden, "a value is not signed");
      const Signer& signer = c.store.signers[k][v];
      if (!signer.known()) return refuse(ErrorCode::forbidden, "a value's signature is not valid");
      if (auto allowed = security::check_access(c.config, kind, request.resource, signer, data.value, c.crypto);
          !allowed)
        return refuse(ErrorCode::forbidden, allowed.error().text);
    }
  }
  return {};
}

// 6940 7.3: in an original Store, who sends it must be one who may write each of its values, too.
Checked check_sender(const StoreCase& c) {
  const wire::StoreReq& request = c.store.request;
  if (request.replica_number != 0) return {};
  for (std::size_t k = 0; k < request.kind_data.size(); ++k) {
    const config::Kind& kind = *c.config.kinds.find(request.kind_data[k].kind);
    for (std::size_t v = 0; v < request.kind_data[k].values.size(); ++v) {
      if (same_signer(c.store.signers[k][v], c.sender)) continue;
      const wire::StoredData& data = request.kind_data[k].values[v];
      if (auto allowed = security::check_access(c.config, kind, request.resource, c.sender, data.value, c.crypto);
          !allowed)
        return refuse(ErrorCode::forbidden, "the sender of the Store: " + allowed.error().text);
    }
  }
  return {};
}

// 6940 7.4.1.1, 7.4.1.2, T35. A counter above ours fails like one below it.
Checked check_generations(const StoreCase& c) {
  const wire::StoreReq& request = c.store.request;
  if (request.replica_number != 0) {
    for (const wire::StoreKindData& data : request.kind_data) {
      if (data.generation_counter == 0) return refuse(ErrorCode::invalid_message, "a replica without a generation");
    }
    return {};
  }
  wire::StoreAns current;
  bool differs = false;
  for (const wire::StoreKindData& data : request.kind_data) {
    const std::uint64_t stored = c.values.generation({request.resource, data.kind});
    current.kind_responses.push_back({data.kind, stored, {}});
    differs = differs || (data.generation_counter != 0 && data.generation_counter != stored);
  }
  if (!differs) return {};
  return refuse(ErrorCode::generation_counter_too_low, "the generation counter is another", wire::encode(current));
}

// The values of one Kind as they are when the values of the request before this one were written.
class KindWrites {
 public:
  KindWrites(const StoreCase& c, const wire::StoreKindData& data)
      : case_(c), data_(data), at_{c.store.request.resource, data.kind} {}

  Checked add_all(const std::vector<Signer>& signers) {
    RELOAD_CHECK(signers.size() == data_.values.size());
    for (std::size_t v = 0; v < data_.values.size(); ++v) {
      if (Checked added = add(data_.values[v], signers[v]); !added) return added;
    }
    return {};
  }

  // 6940 7.4.1.1, 13.5.2: the limits of the Kind, which count slots; a removed value keeps its slot (T41).
  Checked check_limits() const {
    const config::Kind& kind = *case_.config.kinds.find(data_.kind);
    for (const wire::StoredData& value : data_.values) {
      if (wire::data_value(value.value).value.size() > kind.max_size)
        return refuse(ErrorCode::data_too_large, "a value is larger than its Kind allows");
    }
    if (added_ == 0) return {};
    if (case_.values.count(at_) + added_ <= kind.max_count) return {};
    if (count_alive() <= kind.max_count) return {};
    return refuse(ErrorCode::data_too_large, "more values than the Kind allows");
  }

  void finish(AcceptedStore& accepted) {
    KindOutcome outcome{data_.kind, 0, case_.values.generation(at_), {}};
    const bool replica = case_.store.request.replica_number != 0;
    // 6940 7.4.1.1: a replica takes the counter as it comes; an original that changes something raises it.
    outcome.generation = replica ? data_.generation_counter : outcome.before + (puts_.empty() ? 0 : 1);
    for (auto& [slot, value] : puts_) {
      outcome.changed.push_back(slot);
      accepted.writes.push_back(PutValue{{at_.resource, at_.kind, slot}, std::move(value)});
    }
    if (outcome.generation != outcome.before) accepted.writes.push_back(PutCounter{at_, outcome.generation});
    accepted.kinds.push_back(std::move(outcome));
  }

 private:
  Checked add(const wire::StoredData& data, const Signer& signer) {
    StoredValue fresh{data, case_.now, signer.certificate->der, signer.certificate->hash};
    if (auto* entry = std::get_if<wire::ArrayEntry>(&fresh.data.value);
        entry && entry->index == wire::kLastArrayIndex) {
      const std::uint64_t end = end_index();
      if (end >= wire::kLastArrayIndex) return refuse(ErrorCode::data_too_large, "the array has no further index");
      entry->index = static_cast<std::uint32_t>(end);
    }
    Bytes slot = slot_of(fresh.data.value);
    const std::optional<StoredValue> old = existing(slot);
    if (!old) {
      if (!case_.values.find({at_.resource, at_.kind, slot})) ++added_;
    } else if (data.storage_time < old->data.storage_time) {
      return refuse(ErrorCode::data_too_old, "a newer value is stored");
    } else if (data.storage_time == old->data.storage_time) {
      // T34: the same value again is a success and changes nothing; else no replica could be sent twice.
      if (fresh.data.value == old->data.value && fresh.data.signature == old->data.signature) return {};
      return refuse(ErrorCode::data_too_old, "another value with the same storage time is stored");
    }
    puts_.insert_or_assign(std::move(slot), std::move(fresh));
    return {};
  }

  std::optional<StoredValue> existing(const Bytes& slot) const {
    if (const auto it = puts_.find(slot); it != puts_.end()) return it->second;
    std::optional<StoredValue> stored = case_.values.find({at_.resource, at_.kind, slot});
    if (stored && stored->expires() <= case_.now) stored.reset();  // over, though not yet swept away
    return stored;
  }

  // One past the highest index in use.
  std::uint64_t end_index() const {
    std::uint64_t end = 0;
    const auto look = [&end](const Bytes& slot) {
      std::uint64_t index = 0;
      for (const std::uint8_t byte : slot) index = index << 8 | byte;
      end = std::max(end, index + 1);
    };
    if (const auto last = case_.values.last_slot(at_)) look(*last);
    if (!puts_.empty()) look(puts_.rbegin()->first);
    return end;
  }

  // Slots in use after this Store, without those whose values are over but not yet swept away.
  std::size_t count_alive() const {
    std::size_t alive = puts_.size();
    for (const auto& [key, value] : case_.values.values(at_)) {
      if (value.expires() > case_.now && !puts_.contains(key.slot)) ++alive;
    }
    return alive;
  }

  const StoreCase& case_;
  const wire::StoreKindData& data_;
  KindAt at_;
  std::map<Bytes, StoredValue> puts_;  // by slot
  std::size_t added_ = 0;              // slots that were free
};

}  // namespace

tl::expected<AcceptedStore, Refusal> check_store(const StoreCase& c) {
  RELOAD_CHECK(c.store.signers.size() == c.store.request.kind_data.size());
  for (const auto check : {check_form, check_place, check_kinds, check_values, check_sender, check_generations}) {
    if (Checked checked = check(c); !checked) return tl::unexpected(std::move(checked.error()));
  }
  std::vector<KindWrites> kinds;
  for (std::size_t k = 0; k < c.store.request.kind_data.size(); ++k) {
    KindWrites& writes = kinds.emplace_back(c, c.store.request.kind_data[k]);
    if (Checked added = writes.add_all(c.store.signers[k]); !added) return tl::unexpected(std::move(added.error()));
  }
  AcceptedStore accepted;
  for (KindWrites& writes : kinds) {
    if (Checked within = writes.check_limits(); !within) return tl::unexpected(std::move(within.error()));
    writes.finish(accepted);
  }
  return accepted;
}

}  // namespace reload::storage
