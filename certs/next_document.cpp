#include "certs/next_document.hpp"

#include <iostream>

#include "certs/issued_records.hpp"

namespace reload::certs {

NextDocument::NextDocument(OverlayDir dir, FileLock lock, config::ConfigPtr before, Signers signers,
                           DocumentEditor editor, Wall now)
    : dir_(std::move(dir)),
      lock_(std::move(lock)),
      before_(std::move(before)),
      signers_(std::move(signers)),
      editor_(std::move(editor)),
      original_(editor_.text()),
      now_(now) {}

Result<NextDocument> NextDocument::begin(const Path& root, Wall now, const Streams& streams) {
  OverlayDir dir{root};
  if (const auto there = dir.load_config(); !there) return tl::unexpected(there.error());
  auto lock = FileLock::take(dir.change_lock());
  if (!lock) return tl::unexpected(lock.error());
  auto before = dir.load_config();
  if (!before) return tl::unexpected(before.error());
  auto signers = load_signers(dir, **before, now, streams);
  if (!signers) return tl::unexpected(signers.error());
  auto editor = DocumentEditor::make(std::string(as_text((*before)->document)));
  if (!editor) return failure(dir.document().string() + ": " + editor.error().text);
  return NextDocument(std::move(dir), std::move(*lock), std::move(*before), std::move(*signers), std::move(*editor),
                      now);
}

Result<config::ConfigPtr> NextDocument::sign(const Streams& streams) {
  if (!before_->bad_nodes.empty()) {
    const auto records = IssuedRecords::read(dir_);
    if (!records) return tl::unexpected(records.error());
    const auto gone = outlived(before_->bad_nodes, *records, now_);
    const std::size_t dropped = editor_.remove_elements("bad-node", [&](const config::XmlElement& element) {
      const auto id = NodeId::parse_hex(element.text);
      return id && gone.contains(*id);
    });
    if (dropped > 0)
      streams.out << dropped << " bad-node entries are dropped: their certificates have ended" << std::endl;
  }
  editor_.set_attribute("sequence", std::to_string(config::next_sequence(before_->sequence)));
  if (const auto& fault = editor_.fault()) return failure("the document cannot be changed so: " + fault->text);
  return sign_next(editor_.text(), before_, signers_, now_);
}

Result<void> NextDocument::publish(const Streams& streams) {
  auto next = sign(streams);
  if (!next) return tl::unexpected(next.error());
  if (auto done = replace_document(dir_, *before_, **next, streams); !done) return done;
  before_ = std::move(*next);
  original_ = editor_.text();
  return {};
}

}  // namespace reload::certs
