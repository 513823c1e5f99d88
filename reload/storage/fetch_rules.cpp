#include "reload/storage/fetch_rules.hpp"

#include <algorithm>

#include "reload/wire/writer.hpp"

namespace reload::storage {

namespace {

using wire::ErrorCode;

// 6940 7.4.2.2: "exists" is false and the signature empty.
StoredValue synthetic(wire::StoredDataValue value) {
  StoredValue nothing;
  nothing.data.value = std::move(value);
  nothing.data.signature.identity.type = wire::SignerIdentityType::none;
  return nothing;
}

// 6940 7.4.2.1: first <= last, no overlaps.
bool ranges_are_good(std::vector<wire::ArrayRange> ranges) {
  std::sort(ranges.begin(), ranges.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    if (ranges[i].first > ranges[i].last) return false;
    if (i > 0 && ranges[i].first <= ranges[i - 1].last) return false;
  }
  return true;
}

class Selection {
 public:
  Selection(const ValueStore& store, const KindAt& at, Wall now) : store_(store), at_(at), now_(now) {}

  void operator()(const wire::SingleSpecifier&) { add_slot(wire::DataValue{}); }

  void operator()(const wire::DictionarySpecifier& specifier) {
    if (specifier.keys.empty()) return add_all();
    for (const Bytes& key : specifier.keys) add_slot(wire::DictionaryEntry{key, {}});
  }

  void operator()(const wire::ArraySpecifier& specifier) {
    for (const wire::ArrayRange& range : specifier.ranges) {
      if (range.first == range.last) {
        add_slot(wire::ArrayEntry{range.first == wire::kLastArrayIndex ? last_index() : range.first, {}});
      } else {
        add_range(range);
      }
    }
  }

  void operator()(const wire::UnknownSpecifier&) {}

  [[nodiscard]] std::vector<StoredValue> take() { return std::move(values_); }

 private:
  void add_slot(wire::StoredDataValue place) {
    std::optional<StoredValue> stored = store_.find({at_.resource, at_.kind, slot_of(place)});
    if (!stored || !add(*stored)) values_.push_back(synthetic(std::move(place)));
  }
  void add_all() {
    for (auto& [key, value] : store_.values(at_)) add(value);
  }
  // T37: what is stored within the range; no synthetic values for its gaps, which may be huge.
  void add_range(const wire::ArrayRange& range) {
    for (auto& [key, value] : store_.values(at_)) {
      const std::uint32_t index = std::get<wire::ArrayEntry>(value.data.value).index;
      if (index >= range.first && index <= range.last) add(value);
    }
  }
  // The highest index in use; that which means "last" when the array is empty.
  [[nodiscard]] std::uint32_t last_index() const {
    const std::optional<Bytes> slot = store_.last_slot(at_);
    if (!slot) return wire::kLastArrayIndex;
    std::uint32_t index = 0;
    for (const std::uint8_t byte : *slot) index = index << 8 | byte;
    return index;
  }
  bool add(StoredValue& value) {
    const std::uint32_t left = remaining_lifetime(value, now_);
    if (left == 0) return false;
    value.data.lifetime = left;
    values_.push_back(std::move(value));
    return true;
  }

  const ValueStore& store_;
  const KindAt& at_;
  Wall now_;
  std::vector<StoredValue> values_;
};

wire::MetaDataValue meta_of(const wire::StoredDataValue& value, const security::Crypto& crypto) {
  const wire::DataValue& data = wire::data_value(value);
  wire::Writer length(4);
  length.u32(static_cast<std::uint32_t>(data.value.size()));
  wire::MetaData meta{data.exists, static_cast<std::uint32_t>(data.value.size()), wire::HashAlgorithm::sha256, {}};
  meta.hash_value = crypto.hash(wire::HashAlgorithm::sha256, {length.take(), data.value});
  if (const auto* entry = std::get_if<wire::ArrayEntry>(&value)) return wire::ArrayEntryMeta{entry->index, meta};
  if (const auto* entry = std::get_if<wire::DictionaryEntry>(&value))
    return wire::DictionaryEntryMeta{entry->key, meta};
  return meta;
}

}  // namespace

tl::expected<std::vector<SelectedKind>, Refusal> select_values(const wire::FetchReq& request, const ValueStore& store,
                                                               const config::KindRegistry& kinds, Wall now) {
  std::vector<KindId> asked;
  for (const auto& specifier : request.specifiers) {
    asked.push_back(specifier.kind);
    const auto* array = std::get_if<wire::ArraySpecifier>(&specifier.model);
    if (array != nullptr && !ranges_are_good(array->ranges))
      return refuse(ErrorCode::invalid_message, "array ranges are reversed or overlap");
  }
  if (auto unique = check_unique(asked); !unique) return tl::unexpected(std::move(unique.error()));
  if (auto known = check_known(asked, kinds); !known) return tl::unexpected(std::move(known.error()));

  std::vector<SelectedKind> selected;
  for (const auto& specifier : request.specifiers) {
    const KindAt at{request.resource, specifier.kind};
    SelectedKind& kind = selected.emplace_back(SelectedKind{specifier.kind, store.generation(at), {}});
    if (specifier.generation != 0 && specifier.generation == kind.generation) continue;
    Selection selection(store, at, now);
    std::visit(selection, specifier.model);
    kind.values = selection.take();
  }
  return selected;
}

wire::FetchAns fetch_answer(std::vector<SelectedKind> kinds) {
  wire::FetchAns answer;
  for (SelectedKind& kind : kinds) {
    wire::FetchKindResponse& response = answer.kind_responses.emplace_back();
    response.kind = kind.kind;
    response.generation = kind.generation;
    for (StoredValue& value : kind.values) response.values.push_back(std::move(value.data));
  }
  return answer;
}

wire::StatAns stat_answer(const std::vector<SelectedKind>& kinds, const security::Crypto& crypto) {
  wire::StatAns answer;
  for (const SelectedKind& kind : kinds) {
    wire::StatKindResponse& response = answer.kind_responses.emplace_back();
    response.kind = kind.kind;
    response.generation = kind.generation;
    for (const StoredValue& value : kind.values)
      response.values.push_back({value.data.storage_time, value.data.lifetime, meta_of(value.data.value, crypto)});
  }
  return answer;
}

tl::expected<wire::FindAns, Refusal> find_answer(const wire::FindReq& request, const ValueStore& store,
                                                 const config::KindRegistry& kinds) {
  if (auto unique = check_unique(request.kinds); !unique) return tl::unexpected(std::move(unique.error()));
  static const ResourceId kNone{Bytes(NodeId::kMinSize)};
  wire::FindAns answer;
  for (const KindId kind : request.kinds) {
    std::optional<ResourceId> closest;
    if (const config::Kind* known = kinds.find(kind)) {
      if (!known->findable) continue;
      closest = store.resource_from(kind, request.resource);
      if (!closest) closest = store.resource_from(kind, ResourceId());
    }
    answer.results.push_back({kind, closest.value_or(kNone)});
  }
  return answer;
}

}  // namespace reload::storage
