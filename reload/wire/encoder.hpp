// The visitor of fields.hpp that writes.
#pragma once

#include "reload/base/check.hpp"
#include "reload/wire/fields.hpp"
#include "reload/wire/traits.hpp"
#include "reload/wire/writer.hpp"

namespace reload::wire {

void write_destination(Writer& writer, const Destination& destination);

class Encoder {
 public:
  explicit Encoder(Writer& writer) : writer_(writer) {}

  template <class T>
  void operator()(const char*, const T& member) {
    if constexpr (std::same_as<T, bool>) {
      writer_.boolean(member);
    } else if constexpr (std::integral<T>) {
      writer_.integer(member, sizeof(T));
    } else if constexpr (std::is_enum_v<T>) {
      writer_.integer(static_cast<std::underlying_type_t<T>>(member), sizeof(T));
    } else if constexpr (kIsStrong<T>) {
      writer_.integer(member.value, sizeof(member.value));
    } else if constexpr (std::same_as<T, NodeId>) {
      writer_.bytes(member.view());
    } else if constexpr (std::same_as<T, ResourceId>) {
      writer_.opaque(Width::u8, member.view());
    } else if constexpr (std::same_as<T, Destination>) {
      write_destination(writer_, member);
    } else {
      fields(*this, member);
    }
  }
  void operator()(const char*, Width width, const Bytes& bytes) { writer_.opaque(width, bytes); }
  template <class T>
  void operator()(const char* name, Width width, const std::vector<T>& list, std::size_t) {
    const auto scope = writer_.scope(width);
    rest(name, list, kNoMax);
  }
  void operator()(const char*, Width width, Width inner, const std::vector<Bytes>& list) {
    const auto scope = writer_.scope(width);
    for (const Bytes& element : list) writer_.opaque(inner, element);
  }
  void flags(const char* name, std::uint32_t member, std::uint32_t set, std::uint32_t kept) {
    (*this)(name, set | (member & kept));
  }
  void raw(const char*, std::span<const std::uint8_t> bytes) { writer_.bytes(bytes); }
  void rest(const char*, const Bytes& bytes) { writer_.bytes(bytes); }
  template <class T>
  void rest(const char* name, const std::vector<T>& list, std::size_t) {
    for (const T& element : list) (*this)(name, element);
  }
  template <class T>
  void constant(T value) {
    (*this)("", value);
  }
  void require(bool condition) { RELOAD_CHECK(condition); }
  template <class F>
  void scope(Width width, Trailing, F&& inside) {
    const auto scope = writer_.scope(width);
    inside();
  }
  template <class... Lists>
  void lengths_first(Width width, const ListField<Lists>&... lists) {
    std::size_t length_at = writer_.size();
    for (std::size_t i = 0; i < sizeof...(Lists); ++i) writer_.integer(0, size_of(width));
    (write_list(length_at, width, lists), ...);
  }
  template <class T>
  void optional(const char* name, bool present, const std::optional<T>& member) {
    RELOAD_CHECK(present == member.has_value());
    if (present) (*this)(name, *member);
  }
  template <class T>
  void values(KindId, const std::vector<T>& list, const Bytes& unknown) {
    if (unknown.empty()) {
      (*this)("values", Width::u32, list, kNoMax);
    } else {
      RELOAD_CHECK(list.empty());
      writer_.opaque(Width::u32, unknown);
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
  template <class List>
  void write_list(std::size_t& length_at, Width width, const ListField<List>& field) {
    const std::size_t from = writer_.size();
    rest(field.name, field.list, field.max);
    writer_.patch(length_at, writer_.size() - from, size_of(width));
    length_at += size_of(width);
  }

  Writer& writer_;
};

}  // namespace reload::wire
