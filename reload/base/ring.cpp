#include "reload/base/ring.hpp"

#include "reload/base/check.hpp"

namespace reload::ring {

Point to_point(ByteView id) {
  RELOAD_CHECK(is_point(id));
  Point point = 0;
  for (std::uint8_t byte : id) point = point << 8 | byte;
  return point;
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
