#include "reload/config/xml_values.hpp"

#include <arpa/inet.h>

#include <array>
#include <charconv>

#include "reload/base/limits.hpp"

namespace reload::config {

namespace {

constexpr std::size_t kMaxShown = 64;  // of a wrong value in a message

tl::unexpected<Failure> wrong(std::string_view name, std::string_view text, const std::string& cure) {
  return failure(std::string(name) + " is \"" + std::string(text.substr(0, kMaxShown)) + "\"; " + cure);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Exactly `count` digits at the start of `text`, which is moved behind them.
std::optional<int> take_digits(std::string_view& text, std::size_t count) {
  if (text.size() < count) return std::nullopt;
  int value = 0;
  for (const char c : text.substr(0, count)) {
    if (!is_digit(c)) return std::nullopt;
    value = value * 10 + (c - '0');
  }
  text.remove_prefix(count);
  return value;
}

bool take_one_of(std::string_view& text, std::string_view wanted) {
  if (text.empty() || wanted.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<Wall> parse_time(std::string_view text) {
  const auto year = take_digits(text, 4);
  if (!take_one_of(text, "-")) return std::nullopt;
  const auto month = take_digits(text, 2);
  if (!take_one_of(text, "-")) return std::nullopt;
  const auto day = take_digits(text, 2);
  if (!take_one_of(text, "Tt")) return std::nullopt;
  const auto hour = take_digits(text, 2);
  if (!take_one_of(text, ":")) return std::nullopt;
  const auto minute = take_digits(text, 2);
  if (!take_one_of(text, ":")) return std::nullopt;
  const auto second = take_digits(text, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  if (take_one_of(text, ".")) {
    if (!take_digits(text, 1)) return std::nullopt;
    while (take_digits(text, 1)) continue;
  }
  if (text != "Z" && text != "z" && text != "+00:00" && text != "-00:00") return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  return Wall(std::chrono::sys_days(date).time_since_epoch() + std::chrono::hours(*hour) +
              std::chrono::minutes(*minute) + std::chrono::seconds(*second));
}

std::string two_digits(unsigned value) { return (value < 10 ? "0" : "") + std::to_string(value); }

}  // namespace

Result<std::uint64_t> to_number(std::string_view name, std::string_view text, std::uint64_t least, std::uint64_t most) {
  std::string_view digits = text;
  if (digits.size() > 1 && digits.front() == '+') digits.remove_prefix(1);  // xsd integers may have a sign
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || value < least || value > most)
    return wrong(name, text, "it must be a number from " + std::to_string(least) + " to " + std::to_string(most));
  return value;
}

Result<bool> to_boolean(std::string_view name, std::string_view text) {
  if (text == "true" || text == "1") return true;
  if (text == "false" || text == "0") return false;
  return wrong(name, text, "it must be true or false");
}

Result<Bytes> to_binary(std::string_view name, std::string_view text) {
  auto bytes = from_base64(text);
  if (!bytes || bytes->empty()) return wrong(name, text, "it must be base64 (RFC 4648) and not empty");
  return std::move(*bytes);
}

Result<NodeId> to_node_id(std::string_view name, std::string_view text, std::size_t length) {
  const auto id = NodeId::parse_hex(text);
  if (!id || id->size() != length)
    return wrong(name, text,
                 "it must be a Node-ID of " + std::to_string(2 * length) + " hexadecimal digits (node-id-length " +
                     std::to_string(length) + ")");
  return *id;
}

Result<Wall> to_time(std::string_view name, std::string_view text) {
  const auto time = parse_time(text);
  if (!time) return wrong(name, text, "it must be a UTC time such as 2030-12-31T23:59:59Z");
  return *time;
}

Result<wire::IpAddressPort> to_address(std::string_view name, std::string_view address, std::uint16_t port) {
  wire::IpAddressPort result;
  result.port = port;
  const std::string text(address);
  if (inet_pton(AF_INET, text.c_str(), result.address.data()) == 1) {
    result.type = wire::AddressType::ipv4;
  } else if (inet_pton(AF_INET6, text.c_str(), result.address.data()) == 1) {
    result.type = wire::AddressType::ipv6;
  } else {
    return wrong(name, address, "it must be an IPv4 or IPv6 address in digits");
  }
  return result;
}

bool is_overlay_name(std::string_view name) {
  if (name.empty() || name.size() > limits::kMaxDomainName) return false;
  constexpr std::size_t kMaxLabel = 63;
  while (true) {
    const std::size_t dot = name.find('.');
    const std::string_view label = name.substr(0, dot);
    if (label.empty() || label.size() > kMaxLabel || label.front() == '-' || label.back() == '-') return false;
    for (const char c : label)
      if (!is_letter(c) && !is_digit(c) && c != '-') return false;
    if (dot == std::string_view::npos) return true;
    name.remove_prefix(dot + 1);
  }
}

std::string from_time(Wall time) {
  const auto since_epoch = std::chrono::floor<std::chrono::seconds>(time.time_since_epoch());
  const auto days = std::chrono::floor<std::chrono::days>(since_epoch);
  const std::chrono::year_month_day date{std::chrono::sys_days(days)};
  const std::chrono::hh_mm_ss clock{since_epoch - days};
  std::string year = std::to_string(static_cast<int>(date.year()));
  year.insert(0, year.size() < 4 ? 4 - year.size() : 0, '0');
  return year + "-" + two_digits(static_cast<unsigned>(date.month())) + "-" +
         two_digits(static_cast<unsigned>(date.day())) + "T" +
         two_digits(static_cast<unsigned>(clock.hours().count())) + ":" +
         two_digits(static_cast<unsigned>(clock.minutes().count())) + ":" +
         two_digits(static_cast<unsigned>(clock.seconds().count())) + "Z";
}

std::string from_address(const wire::IpAddressPort& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = address.type == wire::AddressType::ipv4 ? AF_INET : AF_INET6;
  return inet_ntop(family, address.address.data(), text.data(), text.size()) != nullptr ? text.data() : "";
}

}  // namespace reload::config
