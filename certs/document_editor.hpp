// Changes in the text of a configuration document (6940 11.1): what is not changed stays as somebody wrote it, with its
// comments, its white space and the elements of extensions. The first configuration of a document is the one changed.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "reload/config/overlay_xml.hpp"
#include "reload/config/xml_tree.hpp"

namespace reload::certs {

class DocumentEditor {
 public:
  // Signatures in it are removed: a change breaks them.
  static Result<DocumentEditor> make(std::string document);

  [[nodiscard]] const std::string& text() const { return text_; }
  // Why a change was not made: the document would not be XML any more, or have more of it than members read. None if
  // all were.
  [[nodiscard]] const std::optional<Failure>& fault() const { return fault_; }

  // Of the configuration element itself; nothing removes it.
  void set_attribute(std::string_view name, const std::optional<std::string>& value);
  // The only element of this name: changed, or added.
  void set_element(std::string_view space, std::string_view name, std::string_view value);
  // One more of this name, after the others.
  void add_element(std::string_view name, std::string_view value, std::string_view attributes = {});
  // How many there were.
  using Which = std::function<bool(const config::XmlElement&)>;
  std::size_t remove_elements(std::string_view name, const Which& which);

  // An element of the Kind's definition, which is made first if the document has none: `form` is then what it says.
  void set_in_kind(const config::Kind& form, std::string_view name, std::string_view value);
  // RFC 7904 3.4; nothing removes it.
  void set_restriction(const config::Kind& form, const std::optional<config::DomainRestriction>& restriction);

 private:
  DocumentEditor(std::string text, config::XmlElement root) : text_(std::move(text)), root_(std::move(root)) {}
  void remove_signatures();
  [[nodiscard]] const config::XmlElement& configuration() const;
  [[nodiscard]] const config::XmlElement* kind_element(const config::Kind& form) const;
  const config::XmlElement* made_kind(const config::Kind& form);  // none where it could not be made
  [[nodiscard]] std::string element_text(std::string_view space, std::string_view name, std::string_view content) const;
  [[nodiscard]] std::string indent_of(std::size_t at) const;
  void replace(std::size_t begin, std::size_t end, std::string_view with);
  void take(std::string text);                           // if it is a document
  void remove_whole(const config::XmlElement& element);  // with its line, if it stands alone there
  void append_to(const config::XmlElement& parent, std::string_view element);

  std::string text_;
  config::XmlElement root_;
  std::optional<Failure> fault_;
};

// Text as it stands in an element or in an attribute in double quotes.
[[nodiscard]] std::string escaped_xml(std::string_view text);

}  // namespace reload::certs
