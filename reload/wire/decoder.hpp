// The visitor of fields.hpp that reads. What does not fit makes its reader fail; whoever starts it asks finished() at
// the end and throws the half-read structure away.
#pragma once

#include "reload/base/check.hpp"
#include "reload/wire/fields.hpp"
#include "reload/wire/reader.hpp"
#include "reload/wire/traits.hpp"

namespace reload::wire {

[[nodiscard]] NodeId read_node_id(Reader& reader, std::size_t size);
[[nodiscard]] Destination read_destination(Reader& reader, std::size_t node_id_length);

class Decoder {
 public:
  Decoder(ByteView bytes, const CodecContext& context) : reader_(bytes), context_(context) {}
  Decoder(ByteView bytes, DataModel model) : reader_(bytes), model_(static_cast<std::size_t>(model)) {}

  [[nodiscard]] bool finished() const { return reader_.finished(); }
  [[nodiscard]] Reader& reader() { return reader_; }

  template <class T>
  void operator()(const char*, T& member) {
    if constexpr (std::same_as<T, bool>) {
      member = reader_.boolean();
    } else if constexpr (std::integral<T>) {
      member = static_cast<T>(reader_.integer(sizeof(T)));
    } else if constexpr (std::is_enum_v<T>) {
      member = static_cast<T>(reader_.integer(sizeof(T)));
    } else if constexpr (kIsStrong<T>) {
      member.value = static_cast<decltype(member.value)>(reader_.integer(sizeof(member.value)));
    } else if constexpr (std::same_as<T, NodeId>) {
      member = read_node_id(reader_, context_.node_id_length);
    } else if constexpr (std::same_as<T, ResourceId>) {
      member = ResourceId(reader_.opaque(Width::u8));
    } else if constexpr (std::same_as<T, Destination>) {
      member = read_destination(reader_, context_.node_id_length);
    } else {
      fields(*this, member);
    }
  }
  void operator()(const char*, Width width, Bytes& bytes) { bytes = to_bytes(reader_.opaque(width)); }
  template <class T>
  void operator()(const char* name, Width width, std::vector<T>& list, std::size_t max) {
    within(reader_.sub(width), Trailing::refuse, [&] { rest(name, list, max); });
  }
  void operator()(const char*, Width width, Width inner, std::vector<Bytes>& list) {
    within(reader_.sub(width), Trailing::refuse, [&] {
      while (!reader_.at_end()) list.push_back(to_bytes(reader_.opaque(inner)));
    });
  }
  // The bits that shall be 0 are not looked at: they are reserved.
  void flags(const char* name, std::uint32_t& member, std::uint32_t set, std::uint32_t kept) {
    (*this)(name, member);
    if ((member & set) != set) reader_.fail();
    member = set | (member & kept);
  }
  void raw(const char*, std::span<std::uint8_t> bytes) {
    const ByteView read = reader_.bytes(bytes.size());
    std::copy(read.begin(), read.end(), bytes.begin());
  }
  void rest(const char*, Bytes& bytes) { bytes = to_bytes(reader_.rest()); }
  template <class T>
  void rest(const char* name, std::vector<T>& list, std::size_t max) {
    if constexpr (std::same_as<T, NodeId>) list.reserve(reader_.remaining() / context_.node_id_length);
    if constexpr (std::same_as<T, Destination>) list.reserve(reader_.remaining() / (context_.node_id_length + 2));
    if constexpr (kIsStrong<T>) list.reserve(reader_.remaining() / sizeof(T));
    while (!reader_.at_end()) {
      if (list.size() == max) return reader_.fail();
      (*this)(name, list.emplace_back());
      if (!is_usable(list.back())) list.pop_back();
    }
  }
  template <class T>
  void constant(T value) {
    T found{};
    (*this)("", found);
    if (found != value) reader_.fail();
  }
  void require(bool condition) {
    if (!condition) reader_.fail();
  }
  template <class F>
  void scope(Width width, Trailing trailing, F&& inside) {
    within(reader_.sub(width), trailing, inside);
  }
  template <class... Lists>
  void lengths_first(Width width, const ListField<Lists>&... lists) {
    std::array<std::size_t, sizeof...(Lists)> lengths{};
    for (std::size_t& length : lengths) length = static_cast<std::size_t>(reader_.integer(size_of(width)));
    const std::size_t* length = lengths.data();
    (within(Reader(reader_.bytes(*length++)), Trailing::refuse, [&] { rest(lists.name, lists.list, lists.max); }), ...);
  }
  template <class T>
  void optional(const char* name, bool present, std::optional<T>& member) {
    if (present) (*this)(name, member.emplace());
  }
  [[nodiscard]] bool address_follows() const {
    const ByteView next = reader_.peek();
    return next.size() >= 2 && ((next[0] == 1 && next[1] == 6) || (next[0] == 2 && next[1] == 18));
  }
  template <class T>
  void values(KindId kind, std::vector<T>& list, Bytes& unknown) {
    model_ = model_index(kind);
    if (model_) {
      (*this)("values", Width::u32, list, kNoMax);
    } else {
      unknown = to_bytes(reader_.opaque(Width::u32));
    }
  }
  template <class... Models>
  void model(const char* name, std::variant<Models...>& member) {
    RELOAD_CHECK(model_.has_value());
    emplace_at(member, *model_);
    std::visit([&](auto& alternative) { (*this)(name, alternative); }, member);
  }
  template <class... Models>
  void specifier(KindId kind, std::variant<Models...>& member) {
    model_ = model_index(kind).value_or(sizeof...(Models) - 1);
    model("model_specifier", member);
  }

 private:
  [[nodiscard]] std::optional<std::size_t> model_index(KindId kind) const {
    if (context_.models == nullptr) return std::nullopt;
    const std::optional<DataModel> model = context_.models->model_of(kind);
    if (!model) return std::nullopt;
    return static_cast<std::size_t>(*model);
  }

  template <class F>
  void within(Reader part, Trailing trailing, F&& inside) {
    std::swap(reader_, part);
    inside();
    const bool good = reader_.ok() && (trailing == Trailing::skip || reader_.at_end());
    std::swap(reader_, part);
    if (!good) reader_.fail();
  }

  Reader reader_;
  CodecContext context_;
  std::optional<std::size_t> model_;
};

}  // namespace reload::wire
