#include "certs/config_change.hpp"

#include <algorithm>

#include "certs/config_builder.hpp"
#include "certs/files.hpp"
#include "certs/pki.hpp"
#include "reload/config/xml_values.hpp"

namespace reload::certs {
namespace {

using config::kBaseSpace;
using config::kChordSpace;

struct Setting {
  std::string_view name;
  std::string_view space;
};
constexpr Setting kSettings[] = {
    {"max-message-size", kBaseSpace},          {"initial-ttl", kBaseSpace},
    {"overlay-reliability-timer", kBaseSpace}, {"turn-density", kBaseSpace},
    {"clients-permitted", kBaseSpace},         {"no-ice", kBaseSpace},
    {"chord-update-interval", kChordSpace},    {"chord-ping-interval", kChordSpace},
    {"chord-reactive", kChordSpace},
};
constexpr std::string_view kKindSettings[] = {"max-count", "max-size", "max-node-multiple"};
constexpr std::string_view kExpiration = "expiration";
constexpr std::string_view kRestriction = "domain-restriction";
constexpr std::string_view kPattern = "domain-pattern";
// Another value is another overlay, or not this command's to choose.
constexpr std::string_view kFixed[] = {"instance-name",        "topology-plugin", "node-id-length",
                                       "shared-secret",        "sequence",        "self-signed-permitted",
                                       "overlay-link-protocol"};
constexpr std::string_view kNodeIds[] = {"bad-node", "configuration-signer", "kind-signer"};
constexpr std::string_view kLists[] = {"bootstrap-node",       "enrollment-server", "root-cert",           "bad-node",
                                       "configuration-signer", "kind-signer",       "mandatory-extension", kPattern};

template <std::size_t N>
bool is_one_of(std::string_view name, const std::string_view (&list)[N]) {
  return std::ranges::find(list, name) != std::end(list);
}

struct Assignment {
  std::string name;
  std::string value;
};

Result<Assignment> split(const std::string& text, const std::string& option, const std::string& form) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    return failure(option + text + ": expected " + form + ", like " +
                   (form.starts_with("KEY") ? "max-message-size=100000" : "bootstrap-node=192.0.2.1:6084"));
  return Assignment{text.substr(0, equals), text.substr(equals + 1)};
}

Result<Wall> expiration_of(const std::string& value, Wall now) {
  if (!value.starts_with('+')) return config::to_time(kExpiration, value);
  std::string days = value.substr(1);
  if (days.ends_with('d')) days.pop_back();
  const auto number = config::to_number("the number of days in expiration", days, 1, 36500);
  if (!number) return tl::unexpected(number.error());
  return now + std::chrono::hours(24 * static_cast<std::int64_t>(*number));
}

class Changer {
 public:
  Changer(const config::OverlayConfig& before, Wall now, DocumentEditor& editor)
      : before_(before), now_(now), editor_(editor) {
    const config::Kind& kind = *before_.kinds.find(wire::kKindSipRegistration);
    restriction_ = kind.domain_restriction;
  }

  Result<void> set(const Assignment& change) {
    const auto& [name, value] = change;
    if (name == kExpiration) return set_expiration(value);
    if (name == kRestriction) return set_restriction(value);
    for (const Setting& setting : kSettings) {
      if (setting.name != name) continue;
      editor_.set_element(setting.space, name, value);
      return {};
    }
    if (const std::size_t dot = name.rfind('.'); dot != std::string::npos)
      return set_of_kind(name.substr(0, dot), name.substr(dot + 1), value);
    if (is_one_of(name, kFixed))
      return failure(name + (name == "sequence" ? " is counted by this command: leave it out"
                                                : " cannot change while the overlay runs: make a new one with "
                                                  "reload-certs init"));
    if (is_one_of(name, kLists))
      return failure(name + " may stand several times: use --add " + name + "=VALUE or --remove " + name + "=VALUE");
    return failure("there is no key " + name + "; there are " + config_keys());
  }

  Result<void> add(const Assignment& change) {
    const auto& [name, value] = change;
    if (name == kPattern) return change_pattern(value, true);
    const auto written = normal(change);
    if (!written) return tl::unexpected(written.error());
    if (stands(name, *written)) return failure("--add " + name + "=" + value + ": the document has it already");
    if (name == "bootstrap-node") {
      const auto address = *parse_bootstrap(*written);
      editor_.add_element(
          name, {}, "address=\"" + config::from_address(address) + "\" port=\"" + std::to_string(address.port) + "\"");
    } else {
      editor_.add_element(name, *written);
    }
    return {};
  }

  Result<void> remove(const Assignment& change) {
    const auto& [name, value] = change;
    if (name == kPattern) return change_pattern(value, false);
    const auto written = normal(change);
    if (!written) return tl::unexpected(written.error());
    const auto is_it = [&](const config::XmlElement& element) { return value_of(element) == *written; };
    if (editor_.remove_elements(name, is_it) == 0) {
      std::string there;
      editor_.remove_elements(name, [&](const config::XmlElement& element) {
        there += (there.empty() ? "" : ", ") + value_of(element).substr(0, 64);
        return false;
      });
      return failure("--remove " + name + "=" + value + ": the document has no such " + name +
                     (there.empty() ? "" : "; it has " + there));
    }
    return {};
  }

 private:
  Result<void> set_expiration(const std::string& value) {
    if (value == "none") {
      editor_.set_attribute(kExpiration, std::nullopt);
      return {};
    }
    const auto time = expiration_of(value, now_);
    if (!time) return failure(time.error().text + ", or +DAYS from now, or none");
    if (*time <= now_)
      return failure("expiration " + config::from_time(*time) + " is past: nobody could join with the document");
    editor_.set_attribute(kExpiration, config::from_time(*time));
    return {};
  }

  Result<void> set_of_kind(const std::string& kind_name, const std::string& name, const std::string& value) {
    const config::Kind* kind = before_.kinds.find_name(kind_name);
    if (kind == nullptr) {
      if (const auto id = config::to_number("", kind_name, 1, UINT32_MAX))
        kind = before_.kinds.find(KindId{static_cast<std::uint32_t>(*id)});
    }
    if (kind == nullptr) return failure("the overlay has no Kind " + kind_name);
    if (!is_one_of(name, kKindSettings))
      return failure(kind_name + "." + name + ": of a Kind, max-count, max-size and max-node-multiple can be set");
    editor_.set_in_kind(*kind, name, value);
    return {};
  }

  void write_restriction() { editor_.set_restriction(*before_.kinds.find(wire::kKindSipRegistration), restriction_); }
  Result<void> set_restriction(const std::string& value) {
    if (value == "none") {
      restriction_.reset();
    } else if (value == "own") {
      restriction_ = config::DomainRestriction{};
    } else {
      return failure("domain-restriction is \"" + value +
                     "\"; it must be none (every domain) or own (the overlay's name); give other domains by --add "
                     "domain-pattern=EXPRESSION");
    }
    write_restriction();
    return {};
  }
  Result<void> change_pattern(const std::string& text, bool add) {
    auto pattern = config::DomainPattern::compile(text);
    if (!pattern) return failure("domain-pattern=" + text + ": " + pattern.error().text);
    if (!restriction_ || !restriction_->enable) restriction_ = config::DomainRestriction{true, {}};
    const auto same = [&](const config::DomainPattern& other) { return other.text() == text; };
    const bool there = std::ranges::any_of(restriction_->patterns, same);
    if (add == there)
      return failure("domain-pattern=" + text +
                     (there ? ": the document has it already" : ": the document has it not"));
    if (add)
      restriction_->patterns.push_back(std::move(*pattern));
    else
      std::erase_if(restriction_->patterns, same);
    if (restriction_->patterns.empty())
      return failure("domain-pattern=" + text +
                     " is the last one: no domain would be left. Set domain-restriction "
                     "to none or own instead");
    write_restriction();
    return {};
  }

  // A list element's value as it is compared and written.
  Result<std::string> normal(const Assignment& change) const {
    const auto& [name, value] = change;
    if (name == "bootstrap-node") {
      const auto address = parse_bootstrap(value);
      if (!address)
        return failure("bootstrap-node=" + value + ": expected ADDR[:PORT] or [ADDR6]:PORT, like 192.0.2.1:6084");
      return to_text(*address);
    }
    if (is_one_of(name, kNodeIds)) {
      const auto id = config::to_node_id(name, value, before_.node_id_length);
      if (!id) return tl::unexpected(id.error());
      return id->hex();
    }
    if (name == "root-cert") {
      const auto pem = read_file(value);
      if (!pem) return failure("root-cert=" + value + ": " + pem.error().text + "; name a file with the certificate");
      const auto certificate = parse_certificate(*pem);
      if (!certificate) return failure("root-cert=" + value + " " + certificate.error().text);
      return to_base64(certificate_der(**certificate));
    }
    if (name == "enrollment-server" && !value.starts_with("https://"))
      return failure("enrollment-server is \"" + value + "\"; it must be an https: URL");
    if (!is_one_of(name, kLists))
      return failure("there is no element " + name + " to add or remove; there are " + config_elements());
    if (value.empty()) return failure(name + "=: a value is missing");
    return value;
  }

  [[nodiscard]] std::string value_of(const config::XmlElement& element) const {
    if (element.name == "bootstrap-node") {
      const std::string* address = element.attribute("address");
      const std::string* port = element.attribute("port");
      const bool six = address != nullptr && address->find(':') != std::string::npos;
      const std::string text = (six                  ? "[" + *address + "]"
                                : address != nullptr ? *address
                                                     : "") +
                               ":" + (port != nullptr ? *port : "6084");
      const auto parsed = parse_bootstrap(text);
      return parsed ? to_text(*parsed) : text;
    }
    if (is_one_of(element.name, kNodeIds)) {
      const auto id = NodeId::parse_hex(element.text);
      return id ? id->hex() : element.text;
    }
    if (element.name == "root-cert") {
      const auto der = config::to_binary("root-cert", element.text);
      return der ? to_base64(*der) : element.text;
    }
    return element.text;
  }

  bool stands(const std::string& name, const std::string& written) {
    bool found = false;
    editor_.remove_elements(name, [&](const config::XmlElement& element) {
      found = found || value_of(element) == written;
      return false;
    });
    return found;
  }

  const config::OverlayConfig& before_;
  Wall now_;
  DocumentEditor& editor_;
  std::optional<config::DomainRestriction> restriction_;
};

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    lines.push_back(line);
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  return lines;
}

}  // namespace

Result<void> apply(const ConfigChange& change, const config::OverlayConfig& before, Wall now, DocumentEditor& editor) {
  Changer changer(before, now, editor);
  const auto each = [&](const std::vector<std::string>& list, const std::string& option, const std::string& form,
                        Result<void> (Changer::*step)(const Assignment&)) -> Result<void> {
    for (const std::string& text : list) {
      const auto assignment = split(text, option, form);
      if (!assignment) return tl::unexpected(assignment.error());
      if (auto done = (changer.*step)(*assignment); !done) return done;
      if (const auto& fault = editor.fault()) return failure(option + text + ": not in a document: " + fault->text);
    }
    return {};
  };
  if (auto done = each(change.set, "", "KEY=VALUE", &Changer::set); !done) return done;
  if (auto done = each(change.remove, "--remove ", "ELEMENT=VALUE", &Changer::remove); !done) return done;
  return each(change.add, "--add ", "ELEMENT=VALUE", &Changer::add);
}

std::string config_keys() {
  std::string keys = "expiration, domain-restriction";
  for (const Setting& setting : kSettings) keys += ", " + std::string(setting.name);
  return keys + ", KIND.max-count, KIND.max-size, KIND.max-node-multiple";
}

std::string config_elements() {
  std::string elements;
  for (const std::string_view name : kLists) elements += (elements.empty() ? "" : ", ") + std::string(name);
  return elements;
}

std::string difference(std::string_view old_text, std::string_view new_text) {
  const auto a = lines_of(old_text);
  const auto b = lines_of(new_text);
  std::size_t front = 0;
  while (front < std::min(a.size(), b.size()) && a[front] == b[front]) ++front;
  std::size_t back = 0;
  while (back < std::min(a.size(), b.size()) - front && a[a.size() - 1 - back] == b[b.size() - 1 - back]) ++back;
  // The longest common subsequence of what is left, which is short when little was changed.
  const std::size_t rows = a.size() - front - back;
  const std::size_t columns = b.size() - front - back;
  constexpr std::size_t kMaxCells = 4'000'000;
  std::vector<std::vector<std::uint32_t>> longest;
  if (rows * columns <= kMaxCells) {
    longest.assign(rows + 1, std::vector<std::uint32_t>(columns + 1, 0));
    for (std::size_t i = rows; i-- > 0;)
      for (std::size_t j = columns; j-- > 0;)
        longest[i][j] =
            a[front + i] == b[front + j] ? longest[i + 1][j + 1] + 1 : std::max(longest[i + 1][j], longest[i][j + 1]);
  }
  std::string out;
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < rows || j < columns) {
    if (!longest.empty() && i < rows && j < columns && a[front + i] == b[front + j]) {
      ++i;
      ++j;
    } else if (i < rows && (j == columns || longest.empty() || longest[i + 1][j] >= longest[i][j + 1])) {
      out += "- " + std::string(a[front + i++]) + "\n";
    } else {
      out += "+ " + std::string(b[front + j++]) + "\n";
    }
  }
  return out;
}

}  // namespace reload::certs
