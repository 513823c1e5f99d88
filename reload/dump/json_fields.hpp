// The visitor of reload/wire/fields.hpp that makes JSON.
#pragma once

#include "reload/base/result.hpp"
#include "reload/dump/dump_json.hpp"
#include "reload/wire/fields.hpp"
#include "reload/wire/traits.hpp"

namespace reload::dump {

[[nodiscard]] Json destination_json(const wire::Destination& destination);

using wire::fields;

class JsonFields {
 public:
  explicit JsonFields(Json& object) : object_(object) {}

  template <class T>
  static Json to_json(const T& value) {
    if constexpr (std::integral<T>) {
      return value;
    } else if constexpr (std::is_enum_v<T>) {
      if (const auto name = wire::find_name(value)) return *name;
      return static_cast<std::underlying_type_t<T>>(value);
    } else if constexpr (wire::kIsStrong<T>) {
      return value.value;
    } else if constexpr (std::same_as<T, NodeId> || std::same_as<T, ResourceId>) {
      return value.hex();
    } else if constexpr (std::same_as<T, Bytes>) {
      return to_hex(value);
    } else if constexpr (std::same_as<T, wire::Destination>) {
      return destination_json(value);
    } else {
      Json object = Json::object();
      JsonFields inside(object);
      fields(inside, value);
      return object;
    }
  }

  template <class T>
  void operator()(const char* name, const T& member) {
    object_[name] = to_json(member);
  }
  void operator()(const char* name, wire::Width, const Bytes& bytes) { (*this)(name, bytes); }
  template <class T>
  void operator()(const char* name, wire::Width, const std::vector<T>& list, std::size_t) {
    Json& array = object_[name] = Json::array();
    for (const T& element : list) array.push_back(to_json(element));
  }
  void operator()(const char* name, wire::Width width, wire::Width, const std::vector<Bytes>& list) {
    (*this)(name, width, list, wire::kNoMax);
  }
  void flags(const char* name, std::uint32_t member, std::uint32_t, std::uint32_t) { (*this)(name, member); }
  void raw(const char* name, ByteView bytes) { object_[name] = to_hex(bytes); }
  void rest(const char* name, const Bytes& bytes) { (*this)(name, bytes); }
  template <class T>
  void rest(const char* name, const std::vector<T>& list, std::size_t max) {
    (*this)(name, wire::Width::u32, list, max);
  }
  template <class T>
  void constant(T) {}
  void require(bool) {}
  template <class F>
  void scope(wire::Width, wire::Trailing, F&& inside) {
    inside();
  }
  template <class... Lists>
  void lengths_first(wire::Width width, const wire::ListField<Lists>&... lists) {
    ((*this)(lists.name, width, lists.list, lists.max), ...);
  }
  template <class T>
  void optional(const char* name, bool, const std::optional<T>& member) {
    if (member) (*this)(name, *member);
  }
  template <class T>
  void values(KindId, const std::vector<T>& list, const Bytes& unknown) {
    if (unknown.empty()) {
      (*this)("values", wire::Width::u32, list, wire::kNoMax);
    } else {
      (*this)("unknown_values", unknown);
    }
  }
  template <class... Models>
  void model(const char* name, const std::variant<Models...>& member) {
    std::visit([&](const auto& alternative) { (*this)(name, alternative); }, member);
  }
  template <class... Models>
  void specifier(KindId, const std::variant<Models...>& member) {
    model("model_specifier", member);
  }

 private:
  Json& object_;
};

}  // namespace reload::dump
