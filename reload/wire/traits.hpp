// Small questions about types that the visitors of fields.hpp ask.
#pragma once

#include <utility>
#include <variant>

#include "reload/base/ids.hpp"
#include "reload/base/strong.hpp"

namespace reload::wire {

template <class T>
inline constexpr bool kIsStrong = false;
template <class Tag, class Integer>
inline constexpr bool kIsStrong<Strong<Tag, Integer>> = true;

// Makes the alternative `index` the variant's value, with defaults. Precondition: index is one of its alternatives.
template <class... Ts>
void emplace_at(std::variant<Ts...>& variant, std::size_t index) {
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    ((index == I ? static_cast<void>(variant.template emplace<I>()) : void()), ...);
  }
  (std::index_sequence_for<Ts...>{});
}

}  // namespace reload::wire
