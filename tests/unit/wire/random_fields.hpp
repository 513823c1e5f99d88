// The visitor of fields.hpp that fills a structure with random contents, valid and small.
#pragma once

#include "reload/base/prng.hpp"
#include "reload/wire/fields.hpp"
#include "reload/wire/traits.hpp"

namespace reload::wire {

// Kinds 0 to 3 modulo 4: single, array, dictionary, unknown.
class TestModels final : public ModelLookup {
 public:
  [[nodiscard]] std::optional<DataModel> model_of(KindId kind) const override {
    if (kind.value % 4 == 3) return std::nullopt;
    return static_cast<DataModel>(kind.value % 4);
  }
};

class RandomFields {
 public:
  RandomFields(Prng& rng, std::size_t node_id_length) : rng_(rng), node_id_length_(node_id_length) {}

  template <class T>
  void operator()(const char* name, T& member) {
    if constexpr (std::same_as<T, bool>) {
      member = rng_.below(2) == 1;
    } else if constexpr (std::integral<T>) {
      member = static_cast<T>(rng_.next());
    } else if constexpr (std::is_enum_v<T>) {
      member = kCodeNames<T>[rng_.below(kCodeNames<T>.size())].code;
    } else if constexpr (kIsStrong<T>) {
      (*this)(name, member.value);
    } else if constexpr (std::same_as<T, NodeId>) {
      member = NodeId(some(node_id_length_));
    } else if constexpr (std::same_as<T, ResourceId>) {
      member = ResourceId(some(rng_.below(21)));
    } else if constexpr (std::same_as<T, Destination>) {
      destination(member);
    } else {
      fields(*this, member);
    }
  }
  void operator()(const char*, Width, Bytes& bytes) { bytes = some(rng_.below(24)); }
  template <class T>
  void operator()(const char* name, Width, std::vector<T>& list, std::size_t) {
    list.resize(rng_.below(4));
    for (T& element : list) (*this)(name, element);
  }
  void operator()(const char*, Width, Width, std::vector<Bytes>& list) {
    list.resize(rng_.below(4));
    for (Bytes& element : list) element = some(rng_.below(24));
  }
  void flags(const char*, std::uint32_t& member, std::uint32_t set, std::uint32_t kept) {
    member = set | (static_cast<std::uint32_t>(rng_.next()) & kept);
  }
  void raw(const char*, std::span<std::uint8_t> bytes) { rng_.fill(bytes); }
  void rest(const char*, Bytes& bytes) { bytes = some(rng_.below(24)); }
  template <class T>
  void rest(const char* name, std::vector<T>& list, std::size_t max) {
    (*this)(name, Width::u16, list, max);
  }
  template <class T>
  void constant(T) {}
  void require(bool) {}
  template <class F>
  void scope(Width, Trailing, F&& inside) {
    inside();
  }
  template <class... Lists>
  void lengths_first(Width width, const ListField<Lists>&... lists) {
    ((*this)(lists.name, width, lists.list, lists.max), ...);
  }
  template <class T>
  void optional(const char* name, bool present, std::optional<T>& member) {
    if (present) (*this)(name, member.emplace());
  }
  template <class T>
  void values(KindId kind, std::vector<T>& list, Bytes& unknown) {
    const std::optional<DataModel> model = TestModels().model_of(kind);
    if (model) {
      model_ = static_cast<std::size_t>(*model);
      (*this)("values", Width::u32, list, kNoMax);
    } else {
      unknown = some(rng_.below(24));
    }
  }
  template <class... Models>
  void model(const char* name, std::variant<Models...>& member) {
    emplace_at(member, model_);
    std::visit([&](auto& alternative) { (*this)(name, alternative); }, member);
  }
  template <class... Models>
  void specifier(KindId kind, std::variant<Models...>& member) {
    const std::optional<DataModel> model_found = TestModels().model_of(kind);
    model_ = model_found ? static_cast<std::size_t>(*model_found) : sizeof...(Models) - 1;
    model("model_specifier", member);
  }
  void set_model(DataModel model) { model_ = static_cast<std::size_t>(model); }

 private:
  Bytes some(std::size_t size) {
    Bytes bytes(size);
    rng_.fill(bytes);
    return bytes;
  }
  void destination(Destination& member) {
    switch (rng_.below(5)) {
      case 0:
        member = NodeId(some(node_id_length_));
        break;
      case 1:
        member = ResourceId(some(rng_.below(21)));
        break;
      case 2:
        member = OpaqueId{some(rng_.below(21)), false};
        break;
      case 3:
        member =
            OpaqueId{{static_cast<std::uint8_t>(0x80 | rng_.next()), static_cast<std::uint8_t>(rng_.next())}, true};
        break;
      default:
        member = UnknownDestination{static_cast<std::uint8_t>(4 + rng_.below(124)), some(rng_.below(21))};
    }
  }

  Prng& rng_;
  std::size_t node_id_length_;
  std::size_t model_ = 0;
};

template <class T>
T random_instance(Prng& rng, std::size_t node_id_length = NodeId::kMinSize) {
  T value;
  RandomFields visitor(rng, node_id_length);
  visitor("", value);
  return value;
}

}  // namespace reload::wire
