// Parts of the output, for people and as JSON. What came from other nodes is made safe for a terminal.
#pragma once

#include "client/ending.hpp"
#include "reload/base/time.hpp"
#include "reload/overlay/overlay.hpp"
#include "reload/wire/destination.hpp"
#include "sip-usage/registration_record.hpp"

namespace reload::client {

// Control characters and bytes that are not ASCII become \xNN.
[[nodiscard]] std::string printable(std::string_view text);

[[nodiscard]] double milliseconds(Duration time);
[[nodiscard]] std::string in_words(Duration time);  // "1.234 ms"

[[nodiscard]] std::string in_words(const wire::DestinationList& list);
[[nodiscard]] Json to_json(const wire::DestinationList& list);

[[nodiscard]] std::string in_words(const sip::Registration& registration);
[[nodiscard]] Json to_json(const sip::Registration& registration);

// A value of a Kind, several lines; registrations are decoded, other values shown in hexadecimal,
// and as text if they are text.
[[nodiscard]] std::string in_words(const overlay::FetchedValue& value, const config::Kind& kind);
[[nodiscard]] Json to_json(const overlay::FetchedValue& value, const config::Kind& kind);

// Prints and gives the exit code.
[[nodiscard]] int print(const Ending& ending, bool json);

}  // namespace reload::client
