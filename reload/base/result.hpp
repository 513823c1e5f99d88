// Value or error, for bad input and failing surroundings. Text says what was wrong in words for a person or a log.
#pragma once

#include <string>
#include <tl/expected.hpp>

namespace reload {

struct Failure {
  std::string text;
};

template <class T>
using Result = tl::expected<T, Failure>;

[[nodiscard]] inline tl::unexpected<Failure> failure(std::string text) {
  return tl::unexpected<Failure>(Failure{std::move(text)});
}

// For std::visit with one lambda an alternative.
template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

}  // namespace reload
