#include "certs/multipart_form.hpp"

#include <algorithm>
#include <optional>

namespace reload::certs {
namespace {

constexpr std::size_t kMaxBoundary = 70;  // RFC 2046 5.1.1

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string_view media_type(std::string_view value) { return trimmed(value.substr(0, value.find(';'))); }

// A parameter's value, without its quotes. Escapes within quotes are refused: no name or boundary of ours needs one.
std::optional<std::string_view> parameter(std::string_view value, std::string_view name) {
  std::size_t at = value.find(';');
  while (at < value.size()) {
    const std::size_t equals = value.find('=', ++at);
    if (equals == std::string_view::npos) return std::nullopt;
    const std::string_view key = trimmed(value.substr(at, equals - at));
    std::string_view found;
    at = value.find_first_not_of(" \t", equals + 1);
    if (at != std::string_view::npos && value[at] == '"') {
      const std::size_t stop = value.find('"', at + 1);
      if (stop == std::string_view::npos) return std::nullopt;
      found = value.substr(at + 1, stop - at - 1);
      if (found.find('\\') != std::string_view::npos) return std::nullopt;
      at = value.find(';', stop + 1);
    } else {
      const std::size_t stop = std::min(value.find(';', equals + 1), value.size());
      found = trimmed(value.substr(equals + 1, stop - equals - 1));
      at = stop;
    }
    if (equal_ignoring_case(key, name)) return found;
  }
  return std::nullopt;
}

bool is_plain_encoding(std::string_view encoding) {
  return std::ranges::any_of(std::initializer_list<std::string_view>{"binary", "8bit", "7bit"},
                             [&](std::string_view plain) { return equal_ignoring_case(encoding, plain); });
}

// The headers and content of one part, from behind its delimiter's line to the next delimiter.
Result<FormPart> parse_part(std::string_view text) {
  FormPart part;
  std::optional<std::string_view> name;
  for (std::size_t headers = 0;; ++headers) {
    const std::size_t end = text.find("\r\n");
    if (end == std::string_view::npos) return failure("a part of the form has no end of its headers");
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 2);
    if (line.empty()) break;
    if (headers == kMaxPartHeaders) return failure("a part of the form has too many headers");
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return failure("a part of the form has a header without a colon");
    const std::string_view key = line.substr(0, colon);
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (equal_ignoring_case(key, "Content-Disposition")) {
      if (equal_ignoring_case(media_type(value), "form-data")) name = parameter(value, "name");
    } else if (equal_ignoring_case(key, "Content-Type")) {
      part.content_type = media_type(value);
    } else if (equal_ignoring_case(key, "Content-Transfer-Encoding") && !is_plain_encoding(value)) {
      return failure("a part of the form is encoded: send it as it is");
    }
  }
  if (!name) return failure("a part of the form has no name");
  part.name = *name;
  part.content = text;
  return part;
}

}  // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) { return std::ranges::equal(a, b, {}, lower, lower); }

Result<std::vector<FormPart>> parse_form(std::string_view content_type, std::string_view body) {
  if (!equal_ignoring_case(media_type(content_type), "multipart/form-data"))
    return failure("the request is no form: send it as multipart/form-data");
  const auto boundary = parameter(content_type, "boundary");
  if (!boundary || boundary->empty() || boundary->size() > kMaxBoundary)
    return failure("the form has no boundary, or one that is too long");
  const std::string delimiter = "\r\n--" + std::string(*boundary);

  // The first delimiter may come without an end of line before it.
  const std::string_view first = std::string_view(delimiter).substr(2);
  std::size_t at = first.size();
  if (!body.starts_with(first)) {
    const std::size_t found = body.find(delimiter);
    if (found == std::string_view::npos) return failure("the form holds no part");
    at = found + delimiter.size();
  }
  std::vector<FormPart> parts;
  while (!body.substr(at).starts_with("--")) {
    const std::size_t begin = body.find("\r\n", at);
    if (begin == std::string_view::npos || !trimmed(body.substr(at, begin - at)).empty())
      return failure("the form has a malformed boundary");
    const std::size_t end = body.find(delimiter, begin);
    if (end == std::string_view::npos) return failure("the form has no end");
    if (parts.size() == kMaxFormParts) return failure("the form has too many parts");
    // The next delimiter's end of line may be that of this one's line: then there is not even an end of headers.
    auto part = parse_part(end == begin ? std::string_view() : body.substr(begin + 2, end - begin - 2));
    if (!part) return tl::unexpected(part.error());
    parts.push_back(*part);
    at = end + delimiter.size();
  }
  return parts;
}

}  // namespace reload::certs
