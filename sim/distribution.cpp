#include "sim/distribution.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace reload::sim {

namespace {

struct Unit {
  std::string_view name;
  std::int64_t microseconds;
};
constexpr std::array kUnits{Unit{"d", 86'400'000'000}, Unit{"h", 3'600'000'000}, Unit{"min", 60'000'000},
                            Unit{"s", 1'000'000},      Unit{"ms", 1'000},        Unit{"us", 1}};
constexpr double kLongest = 1e15;  // 30 years in microseconds: sums of such times do not overflow

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  std::int64_t factor = unit.empty() ? 1'000'000 : 0;
  for (const Unit& known : kUnits)
    if (known.name == unit) factor = known.microseconds;
  const double value = number * static_cast<double>(factor);
  if (error != std::errc() || factor == 0 || !(value >= 0) || value > kLongest)
    return failure("'" + std::string(text) + "' is no time; write 250us, 40ms, 2.5s, 10min, 8h or 1d");
  return Duration(std::llround(value));
}

std::string to_text(Duration duration) {
  for (const Unit& unit : kUnits)
    if (duration.count() != 0 && duration.count() % unit.microseconds == 0)
      return std::to_string(duration.count() / unit.microseconds) + std::string(unit.name);
  return "0s";
}

std::string in_seconds(Duration duration) {
  const auto tenths = (duration.count() + 50'000) / 100'000;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

Duration exponential(Duration mean, Rng& rng) {
  constexpr double kSteps = 9007199254740992.0;  // 2^53: as fine as a double is
  const double drawn = (static_cast<double>(rng.next() >> 11) + 1) / kSteps;
  return Duration(1 + std::llround(-std::log(drawn) * static_cast<double>(mean.count())));
}

Duration Distribution::draw(Rng& rng) const {
  if (shape == Shape::exponential) return low + exponential(high, rng);
  const auto span = static_cast<std::uint64_t>((high - low).count());
  return low + Duration(static_cast<std::int64_t>(rng.below(span + 1)));
}

Result<Distribution> Distribution::parse(std::string_view text) {
  Distribution made;
  const std::size_t cut = text.find_first_of("-+");
  const auto low = parse_duration(text.substr(0, cut));
  if (!low) return tl::unexpected(low.error());
  made.low = made.high = *low;
  if (cut == std::string_view::npos) return made;
  const auto high = parse_duration(text.substr(cut + 1));
  if (!high) return tl::unexpected(high.error());
  made.high = *high;
  if (text[cut] == '+') made.shape = Shape::exponential;
  if (made.shape == Shape::uniform && made.high < made.low)
    return failure("'" + std::string(text) + "': the longest time is shorter than the shortest");
  return made;
}

std::string Distribution::text() const {
  if (shape == Shape::exponential) return to_text(low) + "+" + to_text(high);
  return low == high ? to_text(low) : to_text(low) + "-" + to_text(high);
}

}  // namespace reload::sim
