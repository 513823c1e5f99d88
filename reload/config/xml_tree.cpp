// The only file that knows libxml2.
#include "reload/config/xml_tree.hpp"

#include <libxml/parser.h>
#include <libxml/tree.h>

#include <memory>

#include "reload/base/limits.hpp"
#include "reload/config/xml_extents.hpp"

namespace reload::config {

namespace {

struct FreeContext {
  void operator()(xmlParserCtxt* context) const { xmlFreeParserCtxt(context); }
};
struct FreeDocument {
  void operator()(xmlDoc* document) const { xmlFreeDoc(document); }
};

std::string_view view_of(const xmlChar* text) {
  return text != nullptr ? std::string_view(reinterpret_cast<const char*>(text)) : std::string_view();
}

std::string trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(kSpace) - first + 1));
}

std::string value_of(const xmlAttr& attribute) {
  std::string value;
  for (const xmlNode* part = attribute.children; part != nullptr; part = part->next) value += view_of(part->content);
  return trimmed(value);
}

// Copies the parser's tree in document order, and lays the scanner's extents beside it. Where the two differ, a
// signature could cover other bytes than those read, so the document is refused.
class Copier {
 public:
  explicit Copier(const std::vector<ElementExtent>& extents) : extents_(extents) {}

  bool copy(const xmlNode& node, XmlElement& element) {
    const std::string_view prefix = node.ns != nullptr ? view_of(node.ns->prefix) : std::string_view();
    const std::string name =
        prefix.empty() ? std::string(view_of(node.name)) : std::string(prefix) + ":" + std::string(view_of(node.name));
    if (next_ == extents_.size() || extents_[next_].name != name) return false;
    element.begin = extents_[next_].begin;
    element.end = extents_[next_].end;
    ++next_;
    if (node.ns != nullptr) element.space = view_of(node.ns->href);
    element.name = view_of(node.name);
    for (const xmlAttr* attribute = node.properties; attribute != nullptr; attribute = attribute->next)
      element.attributes.push_back(
          {std::string(attribute->ns != nullptr ? view_of(attribute->ns->href) : std::string_view()),
           std::string(view_of(attribute->name)), value_of(*attribute)});
    std::string text;
    for (const xmlNode* child = node.children; child != nullptr; child = child->next) {
      if (child->type == XML_ELEMENT_NODE) {
        if (!copy(*child, element.children.emplace_back())) return false;
        const XmlElement& inner = element.children.back();
        if (inner.begin < element.begin || inner.end > element.end) return false;
      } else if (child->type == XML_TEXT_NODE || child->type == XML_CDATA_SECTION_NODE) {
        text += view_of(child->content);
      } else if (child->type != XML_COMMENT_NODE && child->type != XML_PI_NODE) {
        return false;
      }
    }
    element.text = trimmed(text);
    return true;
  }

  [[nodiscard]] bool used_all() const { return next_ == extents_.size(); }

 private:
  const std::vector<ElementExtent>& extents_;
  std::size_t next_ = 0;
};

bool is_utf8(const xmlDoc& document) {
  return document.encoding == nullptr ||
         xmlStrcasecmp(document.encoding, reinterpret_cast<const xmlChar*>("UTF-8")) == 0;
}

}  // namespace

const std::string* XmlElement::attribute(std::string_view wanted) const {
  for (const XmlAttribute& candidate : attributes)
    if (candidate.space.empty() && candidate.name == wanted) return &candidate.value;
  return nullptr;
}

Result<XmlElement> parse_xml(ByteView document) {
  if (document.size() > limits::kMaxConfigBytes)
    return failure("XML: the document is longer than " + std::to_string(limits::kMaxConfigBytes) + " bytes");
  const auto extents = find_extents(document);
  if (!extents) return tl::unexpected(extents.error());

  const std::unique_ptr<xmlParserCtxt, FreeContext> context(xmlNewParserCtxt());
  if (!context) return failure("XML: out of memory");
  constexpr int kOptions = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING;
  const std::unique_ptr<xmlDoc, FreeDocument> tree(
      xmlCtxtReadMemory(context.get(), reinterpret_cast<const char*>(document.data()),
                        static_cast<int>(document.size()), nullptr, nullptr, kOptions));
  if (!tree || context->wellFormed != 1 || context->nsWellFormed != 1) {
    const xmlError* error = xmlCtxtGetLastError(context.get());
    if (error == nullptr || error->message == nullptr) return failure("XML: the document is not well-formed");
    return failure("XML: line " + std::to_string(error->line) + ": " + trimmed(error->message));
  }
  if (!is_utf8(*tree)) return failure("XML: the encoding is not UTF-8; save the document as UTF-8");
  const xmlNode* root = xmlDocGetRootElement(tree.get());
  XmlElement element;
  Copier copier(*extents);
  if (root == nullptr || tree->intSubset != nullptr || !copier.copy(*root, element) || !copier.used_all())
    return failure("XML: the document's elements can't be told apart safely");
  return element;
}

}  // namespace reload::config
