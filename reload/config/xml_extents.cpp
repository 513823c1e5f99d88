#include "reload/config/xml_extents.hpp"

#include "reload/base/limits.hpp"

namespace reload::config {

namespace {

constexpr std::string_view kSpace = " \t\r\n";

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  Result<std::vector<ElementExtent>> run() {
    while (fault_.empty()) {
      at_ = text_.find('<', at_);
      if (at_ == std::string_view::npos) break;
      const std::string_view rest = text_.substr(at_);
      if (rest.starts_with("<!--")) {
        skip_behind("-->", 4, "comment");
      } else if (rest.starts_with("<![CDATA[")) {
        skip_behind("]]>", 9, "CDATA section");
      } else if (rest.starts_with("<?")) {
        skip_behind("?>", 2, "processing instruction");
      } else if (rest.starts_with("<!")) {
        fault_ = "document type declarations are not accepted; remove the <!DOCTYPE ...>";
      } else if (rest.starts_with("</")) {
        end_tag();
      } else {
        start_tag();
      }
    }
    if (fault_.empty() && !open_.empty())
      fault_ = "element <" + std::string(found_[open_.back()].name) + "> is not closed";
    if (fault_.empty() && found_.empty()) fault_ = "there is no element in it";
    if (!fault_.empty()) return failure("XML: " + fault_);
    return std::move(found_);
  }

 private:
  void skip_behind(std::string_view mark, std::size_t from, std::string_view what) {
    const std::size_t end = text_.find(mark, at_ + from);
    if (end == std::string_view::npos) {
      fault_ = "a " + std::string(what) + " does not end";
    } else {
      at_ = end + mark.size();
    }
  }

  void end_tag() {
    const std::size_t close = text_.find('>', at_);
    if (close == std::string_view::npos) {
      fault_ = "an end tag does not end";
      return;
    }
    std::string_view name = text_.substr(at_ + 2, close - at_ - 2);
    if (const std::size_t last = name.find_last_not_of(kSpace); last != std::string_view::npos)
      name = name.substr(0, last + 1);
    if (open_.empty() || found_[open_.back()].name != name) {
      fault_ = "end tag </" + std::string(name.substr(0, 64)) + "> does not fit the start tag";
      return;
    }
    at_ = close + 1;
    found_[open_.back()].end = at_;
    open_.pop_back();
  }

  void start_tag() {
    const std::size_t begin = at_;
    std::size_t i = begin + 1;
    while (i < text_.size() && kSpace.find(text_[i]) == std::string_view::npos && text_[i] != '/' && text_[i] != '>')
      ++i;
    const std::string_view name = text_.substr(begin + 1, i - begin - 1);
    char quote = '\0';
    while (i < text_.size() && (quote != '\0' || text_[i] != '>')) {
      const char c = text_[i++];
      if (c == '<') break;  // XML 1.0 forbids it in a tag, in quotes too
      if (quote != '\0') {
        if (c == quote) quote = '\0';
      } else if (c == '"' || c == '\'') {
        quote = c;
      }
    }
    if (name.empty() || i >= text_.size() || text_[i] != '>' || quote != '\0') {
      fault_ = "start tag <" + std::string(name.substr(0, 64)) + " ... is malformed";
      return;
    }
    at_ = i + 1;
    if (found_.size() == limits::kMaxConfigElements) {
      fault_ = "more than " + std::to_string(limits::kMaxConfigElements) + " elements";
      return;
    }
    found_.push_back({name, begin, at_});
    if (text_[i - 1] == '/') return;
    if (open_.size() == limits::kMaxConfigDepth) {
      fault_ = "elements nest deeper than " + std::to_string(limits::kMaxConfigDepth);
      return;
    }
    open_.push_back(found_.size() - 1);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<ElementExtent> found_;
  std::vector<std::size_t> open_;  // indices into found_
  std::string fault_;
};

}  // namespace

Result<std::vector<ElementExtent>> find_extents(ByteView document) { return Scanner(as_text(document)).run(); }

}  // namespace reload::config
