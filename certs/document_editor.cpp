#include "certs/document_editor.hpp"

namespace reload::certs {
namespace {

using config::kBaseSpace;
using config::kSipSpace;
using config::XmlElement;

constexpr std::string_view kBlank = " \t\r\n";

const XmlElement* child_of(const XmlElement& parent, std::string_view space, std::string_view name) {
  for (const XmlElement& child : parent.children)
    if (child.is(space, name)) return &child;
  return nullptr;
}

// "" or "prefix:", as the element's start tag has it.
std::string prefix_of(std::string_view text, const XmlElement& element) {
  const std::string_view tag = text.substr(element.begin + 1, element.end - element.begin - 1);
  const std::size_t end = tag.find_first_of(" \t\r\n/>:");
  return end != std::string_view::npos && tag[end] == ':' ? std::string(tag.substr(0, end + 1)) : std::string();
}

const XmlElement* find_in_space(const XmlElement& element, std::string_view space) {
  if (element.space == space) return &element;
  for (const XmlElement& child : element.children)
    if (const XmlElement* found = find_in_space(child, space)) return found;
  return nullptr;
}

// Behind the '>' of the element's start tag.
std::size_t end_of_start_tag(std::string_view text, const XmlElement& element) {
  char quote = '\0';
  std::size_t i = element.begin;
  for (; quote != '\0' || text[i] != '>'; ++i) {
    if (quote != '\0') {
      if (text[i] == quote) quote = '\0';
    } else if (text[i] == '"' || text[i] == '\'') {
      quote = text[i];
    }
  }
  return i + 1;
}

struct Extent {
  std::size_t begin;
  std::size_t end;
};

// An attribute in a start tag, from its name through its closing quote.
std::optional<Extent> find_attribute(std::string_view text, const XmlElement& element, std::string_view name) {
  const std::size_t end = end_of_start_tag(text, element);
  std::size_t i = text.find_first_of(kBlank, element.begin);
  while (i != std::string_view::npos && i < end) {
    const std::size_t begin = text.find_first_not_of(kBlank, i);
    if (begin == std::string_view::npos || text[begin] == '>' || text[begin] == '/') return std::nullopt;
    const std::size_t equals = text.find('=', begin);
    const std::size_t open = text.find_first_of("\"'", equals);
    const std::size_t close = text.find(text[open], open + 1);
    std::string_view found = text.substr(begin, equals - begin);
    if (const std::size_t last = found.find_last_not_of(kBlank); last != std::string_view::npos)
      found = found.substr(0, last + 1);
    if (found == name) return Extent{begin, close + 1};
    i = close + 1;
  }
  return std::nullopt;
}

bool is_self_closed(std::string_view text, const XmlElement& element) {
  return text[end_of_start_tag(text, element) - 2] == '/' && end_of_start_tag(text, element) == element.end;
}

}  // namespace

std::string escaped_xml(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '&')
      result += "&amp;";
    else if (c == '<')
      result += "&lt;";
    else if (c == '>')
      result += "&gt;";
    else if (c == '"')
      result += "&quot;";
    else
      result += c;
  }
  return result;
}

Result<DocumentEditor> DocumentEditor::make(std::string document) {
  auto root = config::parse_xml(as_bytes(document));
  if (!root) return tl::unexpected(root.error());
  DocumentEditor editor(std::move(document), std::move(*root));
  if (child_of(editor.root_, kBaseSpace, "configuration") == nullptr)
    return failure("the document has no configuration element");
  editor.remove_signatures();
  return editor;
}

const XmlElement& DocumentEditor::configuration() const { return *child_of(root_, kBaseSpace, "configuration"); }

void DocumentEditor::remove_signatures() {
  std::vector<const XmlElement*> found;
  bool behind = false;
  for (const XmlElement& child : root_.children) {
    if (child.is(kBaseSpace, "configuration")) behind = &child == &configuration();
    if (behind && child.is(kBaseSpace, "signature")) found.push_back(&child);
  }
  const XmlElement* kinds = child_of(configuration(), kBaseSpace, "required-kinds");
  std::vector<const XmlElement*> inner;
  if (kinds != nullptr)
    for (const XmlElement& block : kinds->children)
      for (const XmlElement& child : block.children)
        if (child.is(kBaseSpace, "kind-signature")) inner.push_back(&child);
  inner.insert(inner.end(), found.begin(), found.end());
  std::string text = text_;
  for (auto element = inner.rbegin(); element != inner.rend(); ++element)
    text.erase((*element)->begin, (*element)->end - (*element)->begin);
  take(std::move(text));
}

std::string DocumentEditor::indent_of(std::size_t at) const {
  const std::size_t line = at == 0 ? std::string::npos : text_.rfind('\n', at - 1);
  const std::size_t begin = line == std::string::npos ? 0 : line + 1;
  const std::string before = text_.substr(begin, at - begin);
  return before.find_first_not_of(" \t") == std::string::npos ? before : std::string();
}

void DocumentEditor::replace(std::size_t begin, std::size_t end, std::string_view with) {
  std::string text = text_;
  text.replace(begin, end - begin, with);
  take(std::move(text));
}

void DocumentEditor::take(std::string text) {
  auto root = config::parse_xml(as_bytes(text));
  if (!root) {
    fault_ = root.error();
    return;
  }
  text_ = std::move(text);
  root_ = std::move(*root);
}

void DocumentEditor::remove_whole(const XmlElement& element) {
  std::size_t begin = element.begin;
  std::size_t end = element.end;
  const std::size_t indent = indent_of(begin).size();
  const bool starts_line = begin == indent || text_[begin - indent - 1] == '\n';
  if (starts_line && end < text_.size() && text_[end] == '\n') {
    begin -= indent;
    ++end;
  }
  replace(begin, end, {});
}

// Before the end tag, on a line of its own if that has one.
void DocumentEditor::append_to(const XmlElement& parent, std::string_view element) {
  if (is_self_closed(text_, parent)) {
    const std::string tag =
        text_.substr(parent.begin + 1, text_.find_first_of(" \t\r\n/>", parent.begin) - parent.begin - 1);
    const std::size_t slash = parent.end - 2;
    const std::string indent = indent_of(parent.begin);
    return replace(slash, parent.end, ">\n" + indent + "  " + std::string(element) + "\n" + indent + "</" + tag + ">");
  }
  const std::size_t end_tag = text_.rfind("</", parent.end - 1);  // not what follows it at once
  const std::string indent = indent_of(end_tag);
  const bool own_line = end_tag > indent.size() && text_[end_tag - indent.size() - 1] == '\n';
  if (!own_line) return replace(end_tag, end_tag, element);
  const std::size_t line = end_tag - indent.size();
  replace(line, line, indent + "  " + std::string(element) + "\n");
}

void DocumentEditor::set_attribute(std::string_view name, const std::optional<std::string>& value) {
  const XmlElement& element = configuration();
  const auto extent = find_attribute(text_, element, name);
  const std::string written = value ? std::string(name) + "=\"" + escaped_xml(*value) + "\"" : std::string();
  if (extent && value) return replace(extent->begin, extent->end, written);
  if (extent) return replace(extent->begin - 1, extent->end, {});  // with the blank before it
  if (!value) return;
  const std::size_t at = end_of_start_tag(text_, element) - 1;
  replace(at, at, " " + written);
}

std::string DocumentEditor::element_text(std::string_view space, std::string_view name,
                                         std::string_view content) const {
  const XmlElement* like = space == kBaseSpace ? &configuration() : find_in_space(root_, space);
  std::string prefix = like != nullptr ? prefix_of(text_, *like) : std::string();
  std::string declared;
  if (like == nullptr) {
    // Declared at the root, though nothing uses it yet? Else the element declares it itself.
    const std::string_view tag =
        std::string_view(text_).substr(root_.begin, end_of_start_tag(text_, root_) - root_.begin);
    const std::size_t at = tag.find("=\"" + std::string(space) + "\"");
    const std::size_t begin = at == std::string_view::npos ? at : tag.rfind("xmlns:", at);
    const std::string_view found = begin == std::string_view::npos ? "" : tag.substr(begin + 6, at - begin - 6);
    if (!found.empty() && found.find_first_of(" \t\r\n=") == std::string_view::npos)
      prefix = std::string(found) + ":";
    else
      declared = " xmlns=\"" + std::string(space) + "\"";
  }
  const std::string tag = prefix + std::string(name);
  return "<" + tag + declared + ">" + std::string(content) + "</" + tag + ">";
}

void DocumentEditor::set_element(std::string_view space, std::string_view name, std::string_view value) {
  const std::string written = element_text(space, name, escaped_xml(value));
  if (const XmlElement* old = child_of(configuration(), space, name)) return replace(old->begin, old->end, written);
  if (const XmlElement* kinds = child_of(configuration(), kBaseSpace, "required-kinds"))
    return replace(kinds->begin, kinds->begin, written + "\n" + indent_of(kinds->begin));
  append_to(configuration(), written);
}

void DocumentEditor::add_element(std::string_view name, std::string_view value, std::string_view attributes) {
  const std::string tag = prefix_of(text_, configuration()) + std::string(name);
  const std::string begin = "<" + tag + (attributes.empty() ? "" : " " + std::string(attributes));
  const std::string written = value.empty() ? begin + "/>" : begin + ">" + escaped_xml(value) + "</" + tag + ">";
  const XmlElement* last = nullptr;
  for (const XmlElement& child : configuration().children)
    if (child.is(kBaseSpace, name)) last = &child;
  if (last != nullptr) return replace(last->end, last->end, "\n" + indent_of(last->begin) + written);
  if (const XmlElement* kinds = child_of(configuration(), kBaseSpace, "required-kinds"))
    return replace(kinds->begin, kinds->begin, written + "\n" + indent_of(kinds->begin));
  append_to(configuration(), written);
}

std::size_t DocumentEditor::remove_elements(std::string_view name, const Which& which) {
  std::size_t removed = 0;
  const auto next = [&]() -> const XmlElement* {
    for (const XmlElement& child : configuration().children)
      if (child.is(kBaseSpace, name) && which(child)) return &child;
    return nullptr;
  };
  for (const XmlElement* found = next(); found != nullptr; found = next()) {
    remove_whole(*found);
    ++removed;
  }
  return removed;
}

const XmlElement* DocumentEditor::kind_element(const config::Kind& form) const {
  const XmlElement* kinds = child_of(configuration(), kBaseSpace, "required-kinds");
  if (kinds == nullptr) return nullptr;
  for (const XmlElement& block : kinds->children) {
    const XmlElement* kind = child_of(block, kBaseSpace, "kind");
    if (kind == nullptr) continue;
    const std::string* name = kind->attribute("name");
    const std::string* id = kind->attribute("id");
    if (name != nullptr ? *name == form.name : id != nullptr && *id == std::to_string(form.id.value)) return kind;
  }
  return nullptr;
}

const XmlElement* DocumentEditor::made_kind(const config::Kind& form) {
  if (const XmlElement* found = kind_element(form)) return found;
  if (child_of(configuration(), kBaseSpace, "required-kinds") == nullptr)
    append_to(configuration(), element_text(kBaseSpace, "required-kinds", "\n  "));
  const XmlElement* kinds = child_of(configuration(), kBaseSpace, "required-kinds");
  if (kinds == nullptr) return nullptr;
  const auto number = [&](std::string_view name, std::uint32_t value) {
    return element_text(kBaseSpace, name, std::to_string(value));
  };
  const std::string content = element_text(kBaseSpace, "data-model", config::name_of(form.model)) +
                              element_text(kBaseSpace, "access-control", config::name_of(form.policy)) +
                              number("max-count", form.max_count) + number("max-size", form.max_size) +
                              (form.max_node_multiple == 0 ? "" : number("max-node-multiple", form.max_node_multiple));
  std::string kind = element_text(kBaseSpace, "kind", content);
  kind.insert(kind.find('>'), " name=\"" + escaped_xml(form.name) + "\"");
  append_to(*kinds, element_text(kBaseSpace, "kind-block", kind));
  return kind_element(form);
}

void DocumentEditor::set_in_kind(const config::Kind& form, std::string_view name, std::string_view value) {
  const XmlElement* kind = made_kind(form);
  if (kind == nullptr) return;
  const std::string written = element_text(kBaseSpace, name, escaped_xml(value));
  if (const XmlElement* old = child_of(*kind, kBaseSpace, name)) return replace(old->begin, old->end, written);
  append_to(*kind, written);
}

void DocumentEditor::set_restriction(const config::Kind& form,
                                     const std::optional<config::DomainRestriction>& restriction) {
  if (made_kind(form) == nullptr) return;
  for (const std::string_view name : {"domain-restriction", "domain-restrictions"})
    while (const XmlElement* old = child_of(*kind_element(form), kSipSpace, name)) remove_whole(*old);
  if (!restriction) return;
  std::string patterns;
  for (const auto& pattern : restriction->patterns)
    patterns += element_text(kSipSpace, "pattern", escaped_xml(pattern.text()));
  std::string written = element_text(kSipSpace, "domain-restriction", patterns);
  const std::size_t tag = written.find_first_of(" >");
  written.insert(tag, std::string(" enable=\"") + (restriction->enable ? "true" : "false") + "\"");
  append_to(*kind_element(form), written);
}

}  // namespace reload::certs
