// Arithmetic modulo 2^128 on the CHORD-RELOAD ring (6940 10.1): Node-IDs and Resource-IDs of 16 bytes as points.
#pragma once

#include "reload/base/ids.hpp"

namespace reload::ring {

__extension__ typedef unsigned __int128 Point;

// Big-endian value of the 16 bytes. Precondition: 16 bytes; see is_point.
[[nodiscard]] Point to_point(ByteView id);
[[nodiscard]] inline bool is_point(ByteView id) { return id.size() == 16; }
[[nodiscard]] NodeId to_node(Point point);
[[nodiscard]] ResourceId to_resource(Point point);

// How far it is clockwise from a to b.
[[nodiscard]] constexpr Point distance(Point a, Point b) { return b - a; }
// x in (a, b], going clockwise; the whole ring when a == b.
[[nodiscard]] constexpr bool in_open_closed(Point x, Point a, Point b) {
  if (a == b) return true;
  return distance(a, x) != 0 && distance(a, x) <= distance(a, b);
}
[[nodiscard]] constexpr Point power_of_two(unsigned exponent) { return Point{1} << exponent; }

}  // namespace reload::ring
