#include "reload/storage/merge.hpp"

#include <algorithm>
#include <map>

namespace reload::storage {

wire::FetchReq fetch_all(const KindAt& at, wire::DataModel model) {
  wire::StoredDataSpecifier all;
  all.kind = at.kind;
  if (model == wire::DataModel::array) all.model = wire::ArraySpecifier{{{0, wire::kLastArrayIndex}}};
  if (model == wire::DataModel::dictionary) all.model = wire::DictionarySpecifier{};
  return {at.resource, {all}};
}

WriteBatch merge(const FetchDone& fetched, const KindAt& at, const config::Kind& kind, const ValueStore& store,
                 Wall now) {
  WriteBatch writes;
  std::uint64_t generation = store.generation(at);
  std::size_t room = kind.max_count - std::min<std::size_t>(kind.max_count, store.count(at));
  for (std::size_t k = 0; k < fetched.kinds.size(); ++k) {
    if (fetched.kinds[k].kind != at.kind) continue;
    generation = std::max(generation, fetched.kinds[k].generation);
    for (std::size_t v = 0; v < fetched.kinds[k].values.size(); ++v) {
      const wire::StoredData& data = fetched.kinds[k].values[v];
      const security::Signer& signer = fetched.signers[k][v];
      if (!signer.known() || data.lifetime == 0) continue;
      if (wire::data_value(data.value).value.size() > kind.max_size) continue;
      const auto* entry = std::get_if<wire::ArrayEntry>(&data.value);
      if (entry != nullptr && entry->index == wire::kLastArrayIndex) continue;
      const ValueKey key{at.resource, at.kind, slot_of(data.value)};
      const std::optional<StoredValue> own = store.find(key);
      if (own && data.storage_time <= own->data.storage_time) continue;
      if (!own && room == 0) continue;
      if (!own) --room;
      writes.push_back(PutValue{key, {data, now, signer.certificate->der, signer.certificate->hash}});
    }
  }
  // Above what either side had, so that everybody sees that something changed.
  if (!writes.empty()) writes.push_back(PutCounter{at, generation + 1});
  return writes;
}

bool covers(const FetchDone& fetched, const KindAt& at, const ValueStore& store, Wall now) {
  std::map<Bytes, std::uint64_t> there;
  for (std::size_t k = 0; k < fetched.kinds.size(); ++k) {
    if (fetched.kinds[k].kind != at.kind) continue;
    for (std::size_t v = 0; v < fetched.kinds[k].values.size(); ++v) {
      const wire::StoredData& data = fetched.kinds[k].values[v];
      if (fetched.signers[k][v].known()) there[slot_of(data.value)] = data.storage_time;
    }
  }
  const auto own = store.values(at);
  return std::ranges::all_of(own, [&](const auto& entry) {
    const auto& [key, value] = entry;
    const auto found = there.find(key.slot);
    return value.expires() <= now || (found != there.end() && found->second >= value.data.storage_time);
  });
}

}  // namespace reload::storage
