// What `reload-certs config set` may change of a document.
#pragma once

#include <string>
#include <vector>

#include "certs/document_editor.hpp"

namespace reload::certs {

struct ConfigChange {
  std::vector<std::string> set;     // KEY=VALUE
  std::vector<std::string> add;     // ELEMENT=VALUE
  std::vector<std::string> remove;  // ELEMENT=VALUE
};

// All of it, or the first that is wrong, with the cure. Values are checked where they are read (config/overlay_xml).
[[nodiscard]] Result<void> apply(const ConfigChange& change, const config::OverlayConfig& before, Wall now,
                                 DocumentEditor& editor);

// What KEY and ELEMENT may be, for --help.
[[nodiscard]] std::string config_keys();
[[nodiscard]] std::string config_elements();

// The lines that differ, '-' before those of the old and '+' before those of the new text.
[[nodiscard]] std::string difference(std::string_view old_text, std::string_view new_text);

}  // namespace reload::certs
