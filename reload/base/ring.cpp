#include "reload/base/ring.hpp"

#include <endian.h>

#include <cstring>

#include "reload/base/check.hpp"

namespace reload::ring {

Point to_point(ByteView id) {
  RELOAD_CHECK(is_point(id));
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  std::memcpy(&high, id.data(), sizeof(high));
  std::memcpy(&low, id.data() + sizeof(high), sizeof(low));
  return Point{be64toh(high)} << 64 | be64toh(low);
}

namespace {

std::array<std::uint8_t, 16> to_array(Point point) {
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t i = 16; i-- > 0; point >>= 8) bytes[i] = static_cast<std::uint8_t>(point);
  return bytes;
}

}  // namespace

NodeId to_node(Point point) { return NodeId(to_array(point)); }
ResourceId to_resource(Point point) { return ResourceId(to_array(point)); }

}  // namespace reload::ring
