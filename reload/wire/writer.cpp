#include "reload/wire/writer.hpp"

#include "reload/base/check.hpp"

namespace reload::wire {

Writer::Scope::Scope(Writer& writer, Width width) : writer_(writer), at_(writer.size()), width_(width) {
  writer_.integer(0, size_of(width));
}

Writer::Scope::~Scope() {
  const std::size_t prefix = size_of(width_);
  writer_.patch(at_, writer_.size() - at_ - prefix, prefix);
}

void Writer::integer(std::uint64_t value, std::size_t size) {
  const std::size_t at = out_.size();
  out_.resize(at + size);
  patch(at, value, size);
}

void Writer::opaque(Width width, ByteView view) {
  integer(view.size(), size_of(width));
  bytes(view);
}

void Writer::patch(std::size_t at, std::uint64_t value, std::size_t size) {
  RELOAD_CHECK(size == 8 || value >> (8 * size) == 0);
  for (std::size_t i = size; i > 0; --i) {
    out_[at + i - 1] = static_cast<std::uint8_t>(value);
    value >>= 8;
  }
}

}  // namespace reload::wire
