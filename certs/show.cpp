// reload-certs show.
#include <iostream>

#include "certs/commands.hpp"
#include "certs/describe.hpp"
#include "reload/io/openssl_crypto.hpp"

namespace reload::certs {
namespace {

bool is_document(const std::string& text) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  std::string_view rest = text;
  if (rest.starts_with(kByteOrderMark)) rest.remove_prefix(kByteOrderMark.size());
  const std::size_t first = rest.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && rest[first] == '<';
}

Result<Json> describe_file(const Path& path, std::size_t limit, Wall now, const security::Crypto& crypto) {
  const auto text = read_file(path);
  if (!text) return tl::unexpected(text.error());
  auto described =
      is_document(*text) ? describe_document(*text, now, crypto) : describe_certificates(*text, limit, now, crypto);
  if (!described) return failure(path.string() + ": " + described.error().text);
  Json out{{"file", path.string()}};
  out.update(*described);
  return out;
}

void append_text(const Json& json, const std::string& indent, std::string& out) {
  for (const auto& [key, value] : json.items()) {
    const std::string name = indent + (json.is_array() ? "-" : key + ":");
    if (value.is_structured() && !value.empty()) {
      out += name + "\n";
      append_text(value, indent + "  ", out);
    } else {
      out += name + " " + (value.is_string() ? value.get<std::string>() : value.empty() ? "none" : value.dump()) + "\n";
    }
  }
}

}  // namespace

std::string to_text(const Json& json) {
  std::string out;
  append_text(json, "", out);
  return out;
}

Result<void> run_show(const ShowOptions& options, Wall now, const Streams& streams) {
  const io::OpensslCrypto crypto;
  Json all = Json::array();
  for (const Path& path : options.files) {
    auto described = describe_file(path, options.limit, now, crypto);
    if (!described) return tl::unexpected(described.error());
    if (options.json) {
      all.push_back(std::move(*described));
    } else {
      streams.out << (path == options.files.front() ? "" : "\n") << to_text(*described);
    }
  }
  if (options.json) streams.out << all.dump(2) << '\n';
  streams.out.flush();
  return {};
}

}  // namespace reload::certs
