// One change of an overlay's document, from the lock to the file.
#pragma once

#include "certs/document_editor.hpp"
#include "certs/publish.hpp"

namespace reload::certs {

class NextDocument {
 public:
  // Waits for another run that changes the same directory.
  static Result<NextDocument> begin(const Path& root, Wall now, const Streams& streams);

  [[nodiscard]] const OverlayDir& dir() const { return dir_; }
  // The document as it stands; another one after publish().
  [[nodiscard]] const config::OverlayConfig& before() const { return *before_; }
  [[nodiscard]] const Signers& signers() const { return signers_; }
  void set_signers(Signers signers) { signers_ = std::move(signers); }
  [[nodiscard]] DocumentEditor& editor() { return editor_; }
  // Whether the text is another than before.
  [[nodiscard]] bool changed() const { return editor_.text() != original_; }
  [[nodiscard]] const std::string& original() const { return original_; }  // without signatures

  // Takes bad nodes off the list that need not be there any more, counts the sequence on, signs, checks.
  [[nodiscard]] Result<config::ConfigPtr> sign(const Streams& streams);
  // The same, and writes it; the next change is one of this document.
  [[nodiscard]] Result<void> publish(const Streams& streams);

 private:
  NextDocument(OverlayDir dir, FileLock lock, config::ConfigPtr before, Signers signers, DocumentEditor editor,
               Wall now);

  OverlayDir dir_;
  FileLock lock_;
  config::ConfigPtr before_;
  Signers signers_;
  DocumentEditor editor_;
  std::string original_;
  Wall now_;
};

}  // namespace reload::certs
