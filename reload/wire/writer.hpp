// Appends to one vector. A length-prefixed part is a Scope: it leaves room for the length and fills it in when it ends.
// What does not fit its length field is a fault of our own and stops the process.
#pragma once

#include "reload/base/bytes.hpp"
#include "reload/wire/width.hpp"

namespace reload::wire {

class Writer {
 public:
  explicit Writer(std::size_t reserve = 256) { out_.reserve(reserve); }

  class Scope {
   public:
    Scope(Writer& writer, Width width);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Writer& writer_;
    std::size_t at_;
    Width width_;
  };
  [[nodiscard]] Scope scope(Width width) { return Scope(*this, width); }

  void bytes(ByteView view) { out_.insert(out_.end(), view.begin(), view.end()); }
  // Big-endian in `size` bytes, 1 to 8. Precondition: the value fits.
  void integer(std::uint64_t value, std::size_t size);
  void u8(std::uint8_t value) { out_.push_back(value); }
  void u16(std::uint16_t value) { integer(value, 2); }
  void u24(std::uint32_t value) { integer(value, 3); }
  void u32(std::uint32_t value) { integer(value, 4); }
  void u64(std::uint64_t value) { integer(value, 8); }
  void boolean(bool value) { u8(value ? 1 : 0); }
  void opaque(Width width, ByteView view);

  [[nodiscard]] std::size_t size() const { return out_.size(); }
  // Overwrites an integer written before.
  void patch(std::size_t at, std::uint64_t value, std::size_t size);
  [[nodiscard]] Bytes take() { return std::move(out_); }

 private:
  Bytes out_;
};

}  // namespace reload::wire
